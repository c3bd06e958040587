"""Recordings in Azure Blob Storage (extra `azure-storage`): django-storages' storage, which also fetches parts of
files, signs in as the portal itself where no key is given, and gives up soon when nobody answers."""

from collections.abc import Iterator
from typing import Any, Final

from azure.identity import DefaultAzureCredential
from azure.storage.blob import BlobServiceClient, ExponentialRetry
from storages.backends.azure_storage import AzureStorage

_MEGABYTE: Final = 1024 * 1024
_CLIENT: Final[dict[str, Any]] = {
    # Pieces of a transfer; by itself the client would hold 32 MB and more of each.
    "max_single_get_size": _MEGABYTE,
    "max_chunk_get_size": _MEGABYTE,
    "max_single_put_size": 4 * _MEGABYTE,
    "max_block_size": 4 * _MEGABYTE,
    "connection_timeout": 5,
    "read_timeout": 20,
}


class AzureRecordings(AzureStorage):  # type: ignore[misc]
    """`overwrite_files`: a name is ours alone, and whoever stores it again stores the same."""

    def get_default_settings(self) -> dict[str, Any]:
        return {
            **super().get_default_settings(),
            "overwrite_files": True,
            "cache_control": "private, no-store",
            "upload_max_conn": 2,
        }

    def _get_service_client(self) -> BlobServiceClient:
        options = {**_CLIENT, "retry_policy": ExponentialRetry(initial_backoff=1, increment_base=2, retry_total=2)}
        if self.connection_string is not None:
            return BlobServiceClient.from_connection_string(self.connection_string, **options)
        address = f"https://{self.account_name}.blob.{self.endpoint_suffix}"
        return BlobServiceClient(address, credential=DefaultAzureCredential(), **options)

    def read_part(self, name: str, start: int, length: int) -> Iterator[bytes]:
        """The file's bytes from `start` on, in pieces of at most a megabyte."""
        if length == 0:
            return iter(())
        path = self._get_valid_path(name)
        found = self.client.download_blob(path, offset=start, length=length, max_concurrency=1, timeout=self.timeout)
        return iter(found.chunks())
