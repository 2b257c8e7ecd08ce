"""Cuts the app's Chinese font out of Noto Sans CJK; run once, its results are in the repository.

    python -m mobile.pwa.fonts /usr/share/fonts/opentype/noto

Cutting the bold face needs the `brotli` package besides fonttools. The regular face stays plain
OpenType because two readers share it: Flutter on the screen, and fpdf2 in the PDF, which cannot
open WOFF2 in the browser. With the bold face only Flutter draws, so that it is WOFF2.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTCollection, TTFont

TARGET = Path(__file__).parents[1] / "ui" / "assets" / "fonts"
FACE = "Noto Sans CJK SC"

# Characters of the interface that neither GB 2312 nor Latin has: arrows, marks, units, bullets.
_INTERFACE = "←↑→↓↔↗↘⇄▲▼◀▶●○◆◇■□★☆✓✔✕✗✘✎☎⚠⏱…·•–—‘’“”‹›«»€£¥￥№℃°²³½×÷±≤≥≠≈∞§©®™…"
_UNITS = "㎡㎏㎜㎝㏄①②③④⑤⑥⑦⑧⑨⑩"
# Characters that people's and places' names use and that GB 2312 (1980) lacks.
_NAMES = (
    "喆堃珺玥翀昇镕赟彧玙珅珩烜煊晞暄曈璟瑀瑄琇琬琤昉昶頔旻昕昳晗晙晛晅曦朤杺栩桀梽棽椤楒榳槿樾橦檬欣歆"
    "洺浥浠淏淼湉溁溦滢漪潆潞澍澔濛瀞灏炅炘炜炫烨焜焱煜熠熵燊爔牧犇玏玘玚玞玠玢玦玫玭玮玹珉珞珥珽琀琊琎琏琦琨"
    "琪琮琯琲琸瑆瑒瑗瑜瑢瑧瑨瑭璁璆璐璘璠璨璩璱瓅畑畯皓皛皞睿瞳矜硕碁碶祎祺禛禤稑穆竑笉筠箐箬粲絪綦緈縯羿翃翊翎"
    "翙翚翯翾聿胤脩舢艺芃芊芙芮芷苡苳茗茜茹荃荔荞莀莞莹菁菀菡菲萱葳蒗蒽蓁蓉蓥蔚蔻蕙蕤蕴薇藁蘅虢衎袆裎褆襄觎訚詠"
    "諟讷诃诩诺谞谧谌豫贇贠赜跶踽轩辀迦逯遥邈邗邝邬邰邺郄郇郏郜郦鄄鄞鄢酉醴釸鈊鈺鉴銎鋆鋐錡鍏鎏鏐鑫钊钐钘钜钰钲铄"
    "铉铎铖铠铱铷锘锜锟锴镒镓闫闵闳陟隗隽隰雩雯霁霂霈霏霖霜霞靓靖韫韬頫頠顒颀颉颋颖颢飏馀馨骁骅骏骐骞骥鬯鲲鳢鹂"
    "鹏麒麟黎黛齐龑龢㑇㛃㬎㬚㭎㮾㵑䶮峣嵘嵊嵩崧崟崴崤屾岍岐岚峋峤嶒巇帀幂庥庹廛弋弘弢弨彤彦徕忞忻怡恺悠惇惠惟愔慜慧懋懿"
    "燚垚垭埌埕埗埝埭埸堉堃塬墉墘壵夼奡妘妤姝姞姮娅娉婕婠婳媄媛嫄嫒嬅孓宓宥寔尧佶侑侃俶倓倞偲傒僖儇兖冏冼凇劼勖匡"
)


def characters() -> set[int]:
    """The subset as code points: GB 2312, Latin, punctuation, the characters of rarer names."""
    points = set(range(0x20, 0x7F)) | set(range(0xA0, 0x180))
    points |= set(range(0x2010, 0x2028)) | set(range(0x3000, 0x3020)) | set(range(0xFF00, 0xFFF0))
    points |= {ord(character) for character in _INTERFACE + _UNITS + _NAMES}
    points |= {ord(character) for character in gb2312()}
    return points


def traditional() -> set[int]:
    """The 5,401 everyday characters of Taiwan and Hong Kong (Big5, level 1): customers' names.

    In the regular face alone, 0.5 MB on the way to a phone; what is bold falls back to it. The
    rarer 7,652 of level 2 would cost twice that again.
    """
    found = set()
    for lead in range(0xA4, 0xC7):
        for trail in range(0x40, 0xFF):
            try:
                found.add(ord(bytes((lead, trail)).decode("big5")))
            except UnicodeDecodeError:
                continue
    return found


def gb2312() -> Iterator[str]:
    """All characters of GB 2312: 682 symbols and letters, 6763 hanzi."""
    for row in range(0xA1, 0xF8):
        for cell in range(0xA1, 0xFF):
            try:
                yield bytes((row, cell)).decode("gb2312")
            except UnicodeDecodeError:
                continue


def cut(collection: Path, target: Path, points: set[int]) -> int:
    """Writes these code points of the collection's SC face, in the suffix's format. Returns its
    size."""
    font = _face(collection)
    options = subset.Options(
        layout_features=["kern"],  # `locl` would keep the Japanese and Korean variants too
        hinting=False,
        desubroutinize=False,
        name_IDs=["*"],
        notdef_outline=True,
        drop_tables=["vhea", "vmtx", "VORG", "BASE", "DSIG"],
        flavor="woff2" if target.suffix == ".woff2" else None,
    )
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=points)
    subsetter.subset(font)
    font["head"].modified = font["head"].created  # the same bytes whenever it is run
    font.recalcTimestamp = False
    target.parent.mkdir(parents=True, exist_ok=True)
    subset.save_font(font, str(target), options)
    return target.stat().st_size


def _face(collection: Path) -> TTFont:
    for font in TTCollection(str(collection)).fonts:
        if font["name"].getDebugName(1) == FACE:
            return font
    raise SystemExit(f"{collection}: no face named {FACE}")


def main(folder: str) -> None:
    bold = characters()
    for source, name, points in (
        ("Regular", "NotoSansSC-Regular.otf", bold | traditional()),
        ("Bold", "NotoSansSC-Bold.woff2", bold),
    ):
        size = cut(Path(folder) / f"NotoSansCJK-{source}.ttc", TARGET / name, points)
        sys.stdout.write(f"{name}: {size / 1e6:.2f} MB\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
