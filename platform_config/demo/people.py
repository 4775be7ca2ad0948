"""Who is in the demo and where they work. Their password is in the README, so none may exist in production (P4)."""

from typing import NamedTuple

PASSWORD = "foyer-demo-pass"  # noqa: S105 (published on purpose)


class Person(NamedTuple):
    """Someone who can sign in. `roles` are pairs of a tenant's slug and a ready-made role there."""

    email: str
    name: str
    language: str = "en"
    roles: tuple[tuple[str, str], ...] = ()
    operator: bool = False


PEOPLE = (
    Person("operator@foyer.test", "Olga Operator", operator=True),
    Person("owner@aurora.test", "Anna Auer", roles=(("aurora", "owner"),)),
    Person("manager@aurora.test", "Max Mayer", roles=(("aurora", "manager"),)),
    Person("boxoffice@aurora.test", "Bea Berger", roles=(("aurora", "box_office"),)),
    Person("door@aurora.test", "Dora Dorn", roles=(("aurora", "door"),)),
    Person("accountant@aurora.test", "Karl Kassner", roles=(("aurora", "accountant"),)),
    Person("owner@kinoteatr.test", "Ольга Соколова", "ru", roles=(("kinoteatr", "owner"),)),
    Person("manager@kinoteatr.test", "Михаил Орлов", "ru", roles=(("kinoteatr", "manager"),)),
    Person("boxoffice@kinoteatr.test", "Вера Кузнецова", "ru", roles=(("kinoteatr", "box_office"),)),
    Person("door@kinoteatr.test", "Денис Волков", "ru", roles=(("kinoteatr", "door"),)),
    Person("owner@volga.test", "Виктор Панин", "ru", roles=(("volga", "owner"),)),
    Person("catalog@volga.test", "Катя Лебедева", "ru", roles=(("volga", "catalog_manager"),)),
    Person("buyer@demo.test", "Blake Buyer"),
)
DEMO_EMAILS = frozenset(person.email for person in PEOPLE)
