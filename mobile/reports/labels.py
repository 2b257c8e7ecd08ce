"""The fixed words of a printed repair report, in the app's two languages.

They live beside the report and not in the screens' catalogues because they are part of a sealed
document's form: a reworded button must not change how last year's report reads.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Labels:
    """Every fixed word on the page. `page_of` holds {page} and {pages}; `missing_glyphs` {list}.

    `between` parts two facts in a line: the dot of a Chinese font is a full em wide and
    stands without spaces, which Latin text would not bear.
    """

    title: str
    case_number: str
    issued: str
    customer: str
    customer_name: str
    address: str
    contact: str
    asset: str
    product: str
    model: str
    serial: str
    bought: str
    service: str
    technician: str
    arrived_at: str
    finished_at: str
    fault: str
    cause: str
    method: str
    checklist: str
    done: str
    not_done: str
    not_stated: str
    parts: str
    part_name: str
    part_code: str
    quantity: str
    amount: str
    total: str
    amends: str
    remarks: str
    training: str
    trained: str
    not_trained: str
    confirmation: str
    works_normally: str
    works_not: str
    photos: str
    photo_reduced: str
    signature: str
    signer: str
    role: str
    signed_at: str
    recorded_at: str
    refused: str
    refusal_reason: str
    unsigned: str
    verification: str
    fingerprint: str
    device: str
    device_key: str
    key_thumbprint: str
    device_signature: str
    sealed_at: str
    attachments: str
    how_to_verify: str
    missing_glyphs: str
    page_of: str
    between: str


ZH_CN = Labels(
    title="维修服务报告",
    case_number="工单号",
    issued="出具时间",
    customer="客户",
    customer_name="名称",
    address="地址",
    contact="联系人",
    asset="设备",
    product="产品",
    model="型号",
    serial="序列号",
    bought="购买日期",
    service="服务",
    technician="维修工程师",
    arrived_at="到达时间",
    finished_at="完成时间",
    fault="故障现象",
    cause="故障原因",
    method="维修方法",
    checklist="检查项目",
    done="已完成",
    not_done="未完成",
    not_stated="未填写",
    parts="更换配件",
    part_name="名称",
    part_code="编号",
    quantity="数量",
    amount="金额",
    total="合计",
    amends="更正报告",
    remarks="备注",
    training="使用指导",
    trained="已向客户说明使用与保养方法。",
    not_trained="未向客户作使用指导。",
    confirmation="运行确认",
    works_normally="客户确认设备已恢复正常运行。",
    works_not="设备尚未恢复正常运行。",
    photos="现场照片",
    photo_reduced="缩小图",
    signature="客户签字",
    signer="签字人",
    role="身份",
    signed_at="签字时间",
    recorded_at="记录时间",
    refused="客户未签字",
    refusal_reason="原因",
    unsigned="尚未签字",
    verification="真实性核验",
    fingerprint="报告指纹（SHA-256）",
    device="签署设备",
    device_key="设备公钥（Ed25519）",
    key_thumbprint="设备公钥指纹",
    device_signature="设备签名",
    sealed_at="封存时间",
    attachments="附件",
    how_to_verify=(
        "本报告签字后即封存，内容不可更改；更正只能另附补充报告。核验方法：取出本文件的第一个附件，"
        "其 SHA-256 应与上列指纹一致；设备签名可用上列公钥对第二个附件验证（Ed25519）；设备公钥请向"
        "服务方核对。照片除标有“缩小图”者外，可原样取出，其 SHA-256 应与照片下方所列一致。"
    ),
    missing_glyphs="注：字体中没有以下字符，文中以 □ 代替：{list}",
    page_of="第 {page} 页，共 {pages} 页",
    between="·",
)

EN = Labels(
    title="Repair report",
    case_number="Case",
    issued="Issued",
    customer="Customer",
    customer_name="Name",
    address="Address",
    contact="Contact",
    asset="Equipment",
    product="Product",
    model="Model",
    serial="Serial number",
    bought="Bought",
    service="Service",
    technician="Technician",
    arrived_at="Arrived",
    finished_at="Finished",
    fault="Reported fault",
    cause="Cause",
    method="Work done",
    checklist="Checklist",
    done="done",
    not_done="not done",
    not_stated="not stated",
    parts="Parts used",
    part_name="Part",
    part_code="Code",
    quantity="Quantity",
    amount="Amount",
    total="Total",
    amends="Amends",
    remarks="Remarks",
    training="Instruction",
    trained="The customer was shown how to use and care for the equipment.",
    not_trained="The customer was not given instruction.",
    confirmation="Operation confirmed",
    works_normally="The customer confirms that the equipment works normally again.",
    works_not="The equipment does not work normally yet.",
    photos="Photos",
    photo_reduced="reduced",
    signature="Customer's signature",
    signer="Signed by",
    role="Role",
    signed_at="Signed at",
    recorded_at="Recorded at",
    refused="The customer did not sign",
    refusal_reason="Reason",
    unsigned="Not signed yet",
    verification="Verification",
    fingerprint="Report fingerprint (SHA-256)",
    device="Signing device",
    device_key="Device key (Ed25519)",
    key_thumbprint="Key thumbprint",
    device_signature="Device signature",
    sealed_at="Sealed at",
    attachments="Attached files",
    how_to_verify=(
        "This report was sealed when it was signed and cannot be changed; a correction is always a "
        "separate report. To verify it, save the first file attached to this PDF: its SHA-256 must "
        "be the fingerprint above. The device signature verifies the second file with the device "
        "key (Ed25519); ask the service company to confirm that key. A photo not marked "
        '"reduced" can be taken out unchanged, and its SHA-256 is the one printed below it.'
    ),
    missing_glyphs="Note: the font lacks these characters, shown as □ above: {list}",
    page_of="Page {page} of {pages}",
    between=" – ",
)


def labels_for(language: str) -> Labels:
    """The labels for a BCP 47 tag: Chinese of any kind is simplified Chinese, all else English."""
    return ZH_CN if language.replace("_", "-").lower().split("-")[0] == "zh" else EN
