"""A repair report to print, in Chinese and in English, and a font that is made on the spot.

The font has a plain box for every character it is asked to hold: what the pages look like is not
tested here, only where things stand and what can be read back, and so no suite needs a real font.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from io import BytesIO

from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from PIL import Image

from mobile.reports.document import (
    Asset,
    Attachment,
    ChecklistItem,
    Customer,
    Fact,
    Part,
    Photo,
    Refusal,
    ReportDocument,
    Seal,
    Signature,
)
from mobile.reports.labels import EN, ZH_CN

SEALED = '{"cause":"截止阀微漏"}'.encode()
_MADE = 3_870_000_000  # seconds since 1904: some day in 2026
STROKES = (
    ((0.1, 0.3), (0.15, 0.32), (0.25, 0.28), (0.3, 0.3)),
    ((0.2, 0.1, 12.5), (0.2, 0.9, 30.0)),
    ((0.8, 0.5),),
)


def chinese() -> ReportDocument:
    """A report that fills every field."""
    return ReportDocument(
        language="zh-CN",
        labels=ZH_CN,
        title="维修服务报告",
        case_number="HF-2026-000417",
        issued_at=datetime(2026, 11, 21, 8, 30, tzinfo=UTC),
        organisation="华东暖通设备服务有限公司",
        customer=Customer("滨江酒店管理有限公司", "上海市徐汇区龙腾大道 2600 号", "王晓明 先生"),
        asset=Asset("中央空调室外机", "RXYQ16AAY1", "SN-2023-8841", "2023年5月12日"),
        technician="李建国",
        amends="HF-2026-000411",
        times=(Fact("出具时间", "2026年11月21日 16:30"), Fact("到场时间", "11月21日 13:05")),
        fault="三楼大堂出风不冷，面板显示故障代码“E3”。",
        cause="室外机截止阀喇叭口微漏，导致制冷剂不足。",
        method="重新扩口、紧固并抽真空 30 min，充注 R32 制冷剂 420 g。",
        checklist=(
            ChecklistItem("断电、验电、挂牌", True),
            ChecklistItem("排水管通水试验", False, "机房无取水点"),
            ChecklistItem("绝缘电阻检测", None),
        ),
        parts=(
            Part("R32 制冷剂", "MAT-R32-10", "420 g", 16800),
            Part("初效过滤网", "FLT-G4-595", "1 件"),
        ),
        training_given=True,
        training_note="演示了过滤网的拆洗方法。",
        confirmed_working=True,
        remarks="建议三月安排换季保养。",
        photos=(Photo("录像截图.heic", "cd" * 32, 1_200_000, "运行参数"),),
        signing=Signature(
            "王晓明", "工程部经理", "16:20", STROKES, 2.6, "本人已阅读上述内容，确认属实。"
        ),
        seal=Seal(
            sha256(SEALED).hexdigest(),
            "device-7",
            "Kx0T3mUe7bQy",
            "thumb-1",
            "16:20:41",
            "mB3c" * 22,
        ),
        attachments=(Attachment("report.json", SEALED, "application/json"),),
    )


def english() -> ReportDocument:
    """The same report for an English reader."""
    return replace(
        chinese(),
        language="en",
        labels=EN,
        title="Repair report",
        fault="No cooling in the lobby.",
        organisation="East China HVAC Service Co., Ltd.",
        cause='A slow leak at the stop valve; the customer\'s logbook shows "E3" twice.',
    )


def refused() -> ReportDocument:
    """A report that the customer did not want to sign."""
    return replace(chinese(), signing=Refusal("客户要求先试运行一天", "16:25"))


def photo(width: int = 40, height: int = 30, *, orientation: int = 1, mode: str = "RGB") -> bytes:
    """A small JPEG as a camera would write it."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = BytesIO()
    Image.new(mode, (width, height)).save(file, "JPEG", exif=exif)
    return file.getvalue()


@cache
def font(*, without: str = "") -> bytes:
    """A TrueType font with every character of the samples and labels, and ASCII, less `without`.
    Always the same bytes."""
    documents = (chinese(), english(), refused())
    wanted = set(repr((documents, ZH_CN, EN))) | set(map(chr, range(0x20, 0x7F)))
    wanted |= set("□¥…前后图阀件压缩机")
    codes = sorted(ord(c) for c in wanted - set(without) if c.isprintable())
    names = {code: f"u{code:04X}" for code in codes}
    builder = FontBuilder(1000, isTTF=True)
    builder.setupHead(unitsPerEm=1000, created=_MADE, modified=_MADE)
    builder.font.recalcTimestamp = False
    builder.setupGlyphOrder([".notdef", *names.values()])
    builder.setupCharacterMap(names)
    pen = TTGlyphPen(None)
    pen.moveTo((100, 0))
    pen.lineTo((100, 700))
    pen.lineTo((400, 700))
    pen.closePath()
    box = pen.glyph()
    builder.setupGlyf({name: box for name in (".notdef", *names.values())})
    builder.setupHorizontalMetrics(
        {".notdef": (500, 0)} | {n: (500 if c < 0x2E80 else 1000, 0) for c, n in names.items()}
    )
    builder.setupHorizontalHeader(ascent=880, descent=-120)
    builder.setupNameTable({"familyName": "Boxes", "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost(keepGlyphNames=False)
    file = BytesIO()
    builder.save(file)
    return file.getvalue()
