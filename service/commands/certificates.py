"""`gradserve certificates`: what the processes of a cluster show each other."""

from pathlib import Path

import click

from service.commands.cluster import certificates_engine
from service.commands.errors import CommandError, reason_of


@click.command("certificates")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
def command(folder: Path) -> None:
    """Make an authority and a certificate in FOLDER; what is there and good is kept.

    A certificate that ends within 60 days is made anew. Give the files to the scheduler and to
    every worker; ca-key.pem, which signs further ones, only to whoever runs this command.
    """
    engine = certificates_engine()
    try:
        found = engine.ensure_certificates(folder)
    except engine.CertificateError as error:
        raise CommandError(str(error)) from error
    except OSError as error:
        raise CommandError(f"cannot write to {folder}: {reason_of(error)}") from error
    done = "made" if found.is_new else "is there: nothing to do"
    click.echo(f"the certificate, good until {found.good_until:%Y-%m-%d}, {done}")
    click.echo(f"GRADSERVE_TLS_CA_FILE={found.authority}")
    click.echo(f"GRADSERVE_TLS_CERTIFICATE_FILE={found.certificate}")
    click.echo(f"GRADSERVE_TLS_KEY_FILE={found.key}")
