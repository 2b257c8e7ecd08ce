"""UCI "Online Retail": buyers become customers, invoices orders, product lines assets, countries
stores.

Chen, Sain, Guo (2012), doi:10.1057/dbm.2012.17, CC BY 4.0. Lines without a customer and lines
without a positive price are passed over and counted; an invoice whose number begins with C is a
credit note: an order that was cancelled.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation

from sync_server.importing.source import ImportReport, Malformed, Progress, Source, read_rows

COLUMNS = (
    "invoice_no",
    "stock_code",
    "description",
    "quantity",
    "invoice_at",
    "unit_price",
    "customer_id",
    "country",
)
CURRENCY = "GBP"


@dataclass(frozen=True, slots=True)
class Line:
    """One invoice line; money in pounds as the source has it, some prices in tenths of a penny."""

    invoice: str
    code: str
    description: str
    quantity: int
    at: datetime
    price: Decimal
    customer: str
    country: str

    @property
    def cancelled(self) -> bool:
        return self.invoice.startswith("C")


@dataclass(slots=True)
class Invoice:
    number: str
    customer: str
    country: str
    at: datetime
    cancelled: bool
    lines: list[Line] = field(default_factory=list)

    @property
    def total_cents(self) -> int:
        """Summed exactly and rounded once, half to even."""
        return cents(sum((line.price * line.quantity for line in self.lines), Decimal(0)))


@dataclass(frozen=True, slots=True)
class Purchase:
    """The first time that a customer bought a product: what becomes an asset."""

    customer: str
    code: str
    description: str
    on: datetime
    price: Decimal


@dataclass(slots=True)
class Retail:
    """The source as business objects, in order of first appearance."""

    invoices: dict[str, Invoice] = field(default_factory=dict)
    countries: dict[str, str] = field(default_factory=dict)  # customer → country of first invoice
    purchases: dict[tuple[str, str], Purchase] = field(default_factory=dict)


def cents(pounds: Decimal) -> int:
    return int((pounds * 100).to_integral_value(ROUND_HALF_EVEN))


def read_retail(
    source: Source, report: ImportReport, progress: Progress, shift: timedelta = timedelta(0)
) -> Retail:
    """Reads the whole source. `shift` moves all its times, for a demonstration that lies in the
    present."""
    retail = Retail()
    for number, row in read_rows(source, COLUMNS, report, progress):
        try:
            line = _line(row, shift)
        except Malformed as error:
            report.skip(number, str(error))
            continue
        if not line.customer:
            report.skip(number, "no customer")
        elif line.price <= 0:
            report.skip(number, "no price")
        elif (line.quantity < 0) is not line.cancelled or line.quantity == 0:
            report.skip(number, "quantity does not fit the invoice")
        else:
            _take(retail, line)
    return _without_lone_credits(retail)


def _line(row: dict[str, str], shift: timedelta) -> Line:
    try:
        quantity = int(row["quantity"])
        price = Decimal(row["unit_price"])
        # The source has no zone; it is a British wholesaler and winter and summer hardly matter
        # here.
        at = datetime.fromisoformat(row["invoice_at"]).replace(tzinfo=UTC) + shift
    except (ValueError, InvalidOperation, OverflowError):
        raise Malformed("a number or time can't be read") from None
    if not row["invoice_no"] or not row["stock_code"]:
        raise Malformed("no invoice or product")
    if not price.is_finite() or abs(price) > 10**8 or abs(quantity) > 10**8:
        raise Malformed("a number is out of range")
    return Line(
        row["invoice_no"],
        row["stock_code"],
        row["description"].strip(),
        quantity,
        at,
        price,
        row["customer_id"],
        row["country"],
    )


def _take(retail: Retail, line: Line) -> None:
    invoice = retail.invoices.get(line.invoice)
    if invoice is None:
        invoice = retail.invoices[line.invoice] = Invoice(
            line.invoice, line.customer, line.country, line.at, line.cancelled
        )
    invoice.lines.append(line)
    if not line.cancelled:
        retail.countries.setdefault(line.customer, line.country)
        retail.purchases.setdefault(
            (line.customer, line.code),
            Purchase(line.customer, line.code, line.description, line.at, line.price),
        )


def _without_lone_credits(retail: Retail) -> Retail:
    """Credit notes of people who bought nothing in the source's year have no customer to stand
    with."""
    retail.invoices = {
        number: invoice
        for number, invoice in retail.invoices.items()
        if invoice.customer in retail.countries
    }
    return retail
