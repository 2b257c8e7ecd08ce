"""The technician's work of the day: one repair, with a tab that dies half-way through it."""

from __future__ import annotations

import io
from dataclasses import dataclass, field

from playwright.sync_api import FilePayload
from pypdf import PdfReader

from tests.e2e.people import Person
from tests.e2e.pictures import photo

CAUSE = "接线端子松动，左侧一路虚接，通电后时断时续。"
METHOD = "重新压接端子并加热缩管，整串通电十分钟无异常。"
PART, PART_CODE, PART_COUNT, PART_PRICE = "压接端子六毫米", "YD-6", 4, "3.50"
TRAINING = "演示了如何断电检查端子，提醒每季度看一次。"
REMARKS = "旧端子已带走，墙面无损伤。"
CHECKS = 7
SIGNATURE = (
    ((0.10, 0.70), (0.30, 0.30), (0.50, 0.70)),
    ((0.55, 0.40), (0.90, 0.45), (0.70, 0.80)),
)


@dataclass
class Repaired:
    """What was entered, what the sealed report's screen said, and the PDF that came out of it."""

    case_id: str
    report_id: str = ""
    photos: list[FilePayload] = field(default_factory=list)
    verdict: str = ""
    pdf: bytes = b""

    @property
    def texts(self) -> tuple[str, ...]:
        return (CAUSE, METHOD, PART, TRAINING, REMARKS)

    @property
    def pdf_text(self) -> str:
        """The text of all pages, without the breaks of its lines."""
        pages = PdfReader(io.BytesIO(self.pdf)).pages
        return "".join(page.extract_text() for page in pages).replace("\n", "")

    @property
    def attached(self) -> dict[str, bytes]:
        """The files in the PDF, by name."""
        attachments = PdfReader(io.BytesIO(self.pdf)).attachments
        return {name: contents[0] for name, contents in attachments.items()}


def repair(person: Person) -> Repaired:
    """A whole repair, from accepting it to the PDF of the signed report."""
    done = Repaired(_go_there(person))
    _write_half(person)
    person.tab.kill()
    person.reopen()
    _find_it_again(person)
    _write_the_rest(person, done)
    _sign(person, done)
    return done


def _go_there(person: Person) -> str:
    """Accepts the first repair of Today, sets out and arrives; the case's id."""
    tab = person.tab
    tab.tap("打开工单")
    tab.tap("接单", exact=True)
    tab.tap("出发", exact=True)
    tab.tap("已到达", exact=True)
    case_id = person.record_id()
    tab.tap("填写维修报告")
    return case_id


def _write_half(person: Person) -> None:
    """Diagnosis, checklist and a part: the last of it is a draft, and the app says that it is
    on this phone."""
    tab = person.tab
    tab.tap("接线松动")
    tab.fill("故障原因", CAUSE)
    tab.fill("处理方法", METHOD)
    tab.tap("下一步")
    tab.wait_text("现场已清理")
    assert person.answer_all("是") == CHECKS
    tab.tap("下一步")
    tab.tap("添加配件")
    tab.fill("配件名称", PART)
    tab.fill("编码", PART_CODE)
    tab.fill("数量", str(PART_COUNT))
    tab.fill("单价", PART_PRICE)
    tab.tap("完成", exact=True)
    tab.wait_text(PART)
    tab.wait_text("草稿已存在本机")


def _find_it_again(person: Person) -> None:
    """Back to the report by way of Today: what was written is there, to the last part."""
    tab = person.tab
    tab.tap("继续维修")
    tab.tap("继续填写报告")
    tab.wait_text(PART)
    tab.tap("第 1 步")
    person.expect_typed("故障原因（客户会看到）", CAUSE)
    person.expect_typed("处理方法", METHOD)
    tab.tap("第 4 步")


def _write_the_rest(person: Person, done: Repaired) -> None:
    tab = person.tab
    tab.wait_text("拍照或选择照片")
    for place, when in enumerate(("维修前", "维修后")):
        taken = photo(f"{when}.jpg")
        person.choose_files("拍照或选择照片", taken, place=place)
        tab.wait_text(f"{when}照片，")
        done.photos.append(taken)
    tab.tap("下一步")
    tab.wait_text("已确认设备运行正常")
    assert person.answer_all("是") == 2
    tab.fill("讲解内容", TRAINING)
    tab.fill("备注", REMARKS)
    tab.tap("下一步")


def _sign(person: Person, done: Repaired) -> None:
    """The customer signs; the report is sealed, checked, and handed over as a PDF."""
    tab = person.tab
    tab.tap("请客户签字")
    tab.wait_text("签字区")
    tab.draw("签字区", SIGNATURE)
    tab.tap("员工")
    tab.tap("确认签字")
    tab.tap("封存", exact=True)
    tab.wait_text("核验通过")
    done.verdict = tab.all_text()
    done.report_id = person.record_id()
    with tab.page.expect_download() as coming:
        tab.tap("导出 PDF")
    done.pdf = coming.value.path().read_bytes()
