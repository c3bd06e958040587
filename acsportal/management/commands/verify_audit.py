"""Checks the audit's chain of digests: finds entries that were altered, removed or slipped in."""

from typing import Any

from django.core.management import CommandError
from django.core.management.base import BaseCommand, CommandParser

from calls.models import AuditEntry, AuditHead
from calls.services import audit


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--head",
            default="",
            help="A digest that this command printed before: the chain must still contain it. Keep it elsewhere, "
            "so that even a chain that was written anew is noticed.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        faults = list(audit.faults())
        kept = options["head"]
        if kept and not AuditEntry.objects.filter(digest=kept).exists():
            faults.append(audit.Fault(0, f"No entry has the digest {kept}: the chain was written anew."))
        for fault in faults:
            self.stderr.write(fault.sentence)
        if faults:
            raise CommandError(f"The audit was tampered with: {len(faults)} fault{'s' if len(faults) > 1 else ''}.")
        head = AuditHead.objects.filter(pk=1).first() or AuditHead()
        self.stdout.write(f"The audit is whole: {head.number} entries. Head: {head.digest}")
