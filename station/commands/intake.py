"""`assay intake`: the phone in hand, and the record that says how it came."""

from __future__ import annotations

import sys

import click

from station.i18n import _

__all__ = ["command"]


@click.command("intake", help=_("Take a phone in and write the intake record."))
@click.argument("ticket", default="")
@click.option("--device", default="", metavar="DEVICE", help=_("The connected phone; its identity is read from it."))
@click.option("--imei", default="", help=_("IMEI, if the phone does not tell it."))
@click.option("--serial", default="", help=_("Serial, if the phone does not tell it."))
@click.option("--model", default="", help=_("The model."))
@click.option("--complaint", default="", help=_("The customer's words."))
@click.option("--appearance", default="", help=_("What it looks like."))
@click.option("--accessories", default="", help=_("What came with it."))
@click.option("--customer", default="", help=_("The customer's name."))
@click.option("--phone", default="", help=_("The customer's telephone number."))
@click.option("--data-notice", is_flag=True, help=_("The customer was told about data and backup."))
@click.option("--test-consent", is_flag=True, help=_("The customer agrees to testing."))
@click.option("--as", "person", required=True, metavar="PERSON", help=_("Who does it: a person's id."))
@click.option("--wait", "wait_s", default=20.0, show_default=True, help=_("Seconds to wait for the phone."))
@click.option("--json", "as_json", is_flag=True, help=_("Print one JSON document."))
def command(
    ticket: str,
    device: str,
    imei: str,
    serial: str,
    model: str,
    complaint: str,
    appearance: str,
    accessories: str,
    customer: str,
    phone: str,
    data_notice: bool,
    test_consent: bool,
    person: str,
    wait_s: float,
    as_json: bool,
) -> None:
    """Print the ticket's number and the record's digest."""
    from station.client import Client
    from station.commands.engine_side import print_json, with_engine
    from station.messages import FindDevice, Intake

    async def take_in(client: Client) -> dict[str, str]:
        slot = (await client.send(FindDevice(device=device, wait_s=wait_s))).data["slot"] if device else None
        told = Intake(
            ticket=ticket,
            slot=slot,
            imei=imei,
            serial=serial,
            model=model,
            complaint=complaint,
            appearance=appearance,
            accessories=accessories,
            customer_name=customer,
            customer_phone=phone,
            data_notice_confirmed=data_notice,
            test_consent=test_consent,
            person=person,
        )
        return (await client.send(told)).data

    done = with_engine(take_in, phones=bool(device))
    if as_json:
        print_json(done)
    else:
        sys.stdout.write(f"{done['ticket']}  {done['record']}\n")
