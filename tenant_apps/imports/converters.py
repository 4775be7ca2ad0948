"""The ending of a file's name in an address: one of the formats that there are."""

from django.urls import register_converter


class FormatConverter:
    regex = "csv|xlsx|json"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(FormatConverter, "export_format")
