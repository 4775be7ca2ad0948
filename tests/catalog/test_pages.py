"""Goods on the pages: what buyers find, and what staff change, without JavaScript and in a real browser."""

import json
import re
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tenant_apps.catalog import categories, services
from tenant_apps.catalog.delivery import create_method
from tenant_apps.catalog.images import add_image
from tenant_apps.catalog.models import Product, ProductCategory
from tenant_apps.imports import services as imports
from tenant_apps.imports.models import ImportJob
from tenants.context import in_tenant
from tests.factories import make_user, owner_of
from tests.pages.test_browser import AXE, RUN_AXE, signed_in
from tests.pictures import picture_file

PRICE_LIST = (Path(__file__).parents[1] / "data" / "price-list-shop1.yaml").read_bytes()


def text_of(response):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def bring_in(tenant):
    with in_tenant(tenant):
        job = imports.run_now(resource="products", file_name="shop1.yaml", content=PRICE_LIST, actor=None)
        assert job.status == "applied", job.errors


def test_buyers_narrow_the_goods_by_parameters_and_see_how_many_there_are(alpha, page_for):
    bring_in(alpha)
    page = page_for(alpha)
    text = text_of(page.get("/products/?category=smartfony"))
    assert "Смартфон Apple iPhone XS Max 512GB (золотистый)" in text and "TCL" not in text
    assert re.search(r"Цвет золотистый 1", text)
    black = page.get("/products/?category=smartfony&param.Цвет=черный&param.Цвет=синий")
    names = re.findall(r'event-card__title"><a [^>]*>([^<]*)<', black.content.decode())
    assert names == ["Смартфон Apple iPhone XR 128GB (синий)", "Смартфон Apple iPhone XR 256GB (черный)"]
    # What is chosen counts its other values as if it were not.
    assert "красный 1" in text_of(black)
    assert "Nothing fits these filters" in text_of(page.get("/products/?search=nothing-like-it"))
    assert page.get("/products/?page=99999999999999999999&param.=&param.x=%27").status_code == 200


def test_the_list_costs_the_same_however_long_it_is(alpha, page_for):
    bring_in(alpha)
    page = page_for(alpha)
    page.get("/products/")
    with CaptureQueriesContext(connection) as captured:
        page.get("/products/")
    ours = [each["sql"] for each in captured if "search_path" not in each["sql"]]
    assert len(ours) == 5, ours


def test_a_product_shows_price_stock_and_parameters(alpha, page_for):
    bring_in(alpha)
    with in_tenant(alpha):
        product = Product.objects.get(external_id="123424576")
    text = text_of(page_for(alpha).get(f"/products/{product.slug}/"))
    for words in ("Vizio P-Series Quantum 65", "€1,200", "5 in stock", "Smart TV Yes", "Recommended price €1,299"):
        assert words in text
    with in_tenant(alpha):
        Product.objects.update(published=False)
    assert page_for(alpha).get(f"/products/{product.slug}/").status_code == 404


def test_staff_change_price_and_stock_in_the_list(alpha, page_for):
    with in_tenant(alpha):
        product = services.create_product(actor=None, name="Cup", price_minor=500, variants=[{"capacity": 5}])
        variant = product.variants.get()
        type(variant).objects.sell(variant.pk, 2)
    page = page_for(alpha, owner_of(alpha))
    assert 'value="5.00"' in page.get("/dashboard/products/").content.decode()
    path = f"/dashboard/variants/{variant.pk}/"
    assert page.post(path, {"price": "7,50", "capacity": "9", "back": "?show=all"})["Location"].endswith("?show=all")
    with in_tenant(alpha):
        product.refresh_from_db()
        assert (product.price_minor, product.variants.get().capacity) == (750, 9)
    told = page.post(path, {"price": "8", "capacity": "1"}, follow=True)
    assert "2 pieces are sold or held already" in text_of(told)
    with in_tenant(alpha):
        # All or nothing: the price did not change either.
        product.refresh_from_db()
        assert (product.price_minor, product.variants.get().capacity) == (750, 9)
    assert "Write the price as 12.50." in text_of(page.post(path, {"price": "much"}, follow=True))
    assert page.post(path, {"price": "1", "back": "//evil.test"})["Location"] == "/dashboard/products/"


def test_staff_make_and_change_a_product_and_are_told_what_is_wrong(alpha, page_for):
    page = page_for(alpha, owner_of(alpha))
    form = {"name": "Cup", "price": "5", "min_quantity": "1", "order_multiple": "1", "published": "on",
            "parameters": "Colour: red\nSize: 5\nGlass: yes"}  # fmt: skip
    made = page.post("/dashboard/new-product/", form)
    assert made["Location"] == "/dashboard/products/cup/"
    with in_tenant(alpha):
        assert Product.objects.get().parameters == {"Colour": "red", "Size": 5, "Glass": True}
    assert "Size: 5" in page.get("/dashboard/products/cup/").content.decode()
    wrong = page.post("/dashboard/products/cup/", {**form, "price": "-1", "parameters": "nothing"})
    assert wrong.status_code == 400
    assert "Write one on each line" in text_of(wrong) and "A price cannot be negative." in text_of(wrong)
    assert page.post("/dashboard/products/cup/", {**form, "parameters": "Size: large"}).status_code == 400
    assert page.post("/dashboard/products/cup/delete/")["Location"] == "/dashboard/products/"
    with in_tenant(alpha):
        assert not Product.objects.exists()


def test_categories_are_made_moved_and_deleted(alpha, page_for):
    page = page_for(alpha, owner_of(alpha))
    page.post("/dashboard/product-categories/", {"name": "Drinks"})
    page.post("/dashboard/product-categories/", {"name": "Kvass", "parent": "drinks"})
    with in_tenant(alpha):
        assert ProductCategory.objects.get(slug="kvass").lineage == ["drinks", "kvass"]
    assert page.post("/dashboard/product-categories/drinks/", {"name": "D", "parent": "kvass"}).status_code == 400
    assert "still in this one" in text_of(
        page.post("/dashboard/product-categories/drinks/", {"delete": "1"}, follow=True)
    )
    page.post("/dashboard/product-categories/kvass/", {"delete": "1"})
    with in_tenant(alpha):
        assert [one.slug for one in ProductCategory.objects.all()] == ["drinks"]


def test_a_price_list_is_looked_at_before_it_is_applied(alpha, page_for):
    page = page_for(alpha, owner_of(alpha))
    sent = page.post("/dashboard/imports/products/", {"file": SimpleUploadedFile("shop1.yaml", PRICE_LIST)})
    address = sent["Location"]
    assert 'hx-trigger="every 1s"' in page.get(address).content.decode()
    with in_tenant(alpha):
        imports.validate(ImportJob.objects.get())
    text = text_of(page.get(address))
    assert "Ready to apply" in text and "What would change" in text and "param.Цвет: золотистый" in text
    page.post(f"{address}apply/")
    with in_tenant(alpha):
        imports.apply(ImportJob.objects.get())
        assert Product.objects.count() == 14
    assert "The price list is applied." in text_of(page.get(address))
    changed = PRICE_LIST.replace(b"price: 110000", b"price: 99000")
    second = page.post("/dashboard/imports/products/", {"file": SimpleUploadedFile("shop1.yaml", changed)})["Location"]
    with in_tenant(alpha):
        imports.validate(ImportJob.objects.exclude(status="applied").get())
    assert "110000.00 → 99000.00" in text_of(page.get(second))
    bad = page.post("/dashboard/imports/products/", {"file": SimpleUploadedFile("a.yaml", b"goods: &a []")})["Location"]
    with in_tenant(alpha):
        imports.validate(ImportJob.objects.get(status="pending"))
    assert "Anchors and aliases" in text_of(page.get(bad)) and "Nothing was changed." in text_of(page.get(bad))
    assert "The file is empty." in text_of(page.post("/dashboard/imports/products/"))


def test_a_partner_sees_the_goods_of_the_granted_category_only(alpha, page_for):
    partner = make_user()
    with in_tenant(alpha):
        own = categories.create_category(actor=None, name="Partner")
        services.create_product(actor=None, name="Boot", price_minor=500, category=own)
        foreign = services.create_product(actor=None, name="Cup", price_minor=500)
    page = page_for(alpha, partner)
    assert page.get("/dashboard/products/").status_code == 403
    with in_tenant(alpha):
        categories.grant(own, partner, "change_catalog", actor=owner_of(alpha))
    text = text_of(page.get("/dashboard/products/"))
    assert "Boot" in text and "Cup" not in text
    assert page.get("/dashboard/products/boot/").status_code == 200
    for path in ("/dashboard/products/cup/", "/dashboard/product-categories/"):
        assert page.get(path).status_code == 404, path
    assert page.post(f"/dashboard/variants/{_variant(alpha, foreign)}/", {"price": "1"}).status_code == 404
    assert page.get("/dashboard/imports/products/").status_code == 403


def _variant(tenant, product):
    with in_tenant(tenant):
        return product.variants.get().pk


@pytest.mark.browser
@pytest.mark.parametrize("who", ["buyer", "staff"])
def test_axe_finds_nothing_on_the_pages_of_goods_and_nothing_is_wider_than_the_screen(alpha, site, browser, who):
    bring_in(alpha)
    other = PRICE_LIST.replace(b"price: 110000", b"price: 99000").replace(b"quantity: 9", b"quantity: 2")
    with in_tenant(alpha):
        slug = Product.objects.get(external_id="4216292").slug
        ready = imports.validate(
            imports.start(resource="products", file_name="more.yaml", actor=None,
                          content=other)
        )  # fmt: skip
        wrong = imports.validate(
            imports.start(resource="products", file_name="bad.yaml", actor=None, content=b"goods:\n  - {id: 1}\n")
        )
        with_pictures = Product.objects.get(external_id="4216292")
        for colour in ("teal", "navy"):
            add_image(with_pictures, picture_file(colour=colour), alt=f"A {colour} phone", actor=None)
        method = create_method(actor=None, name="Courier", kind="courier", rates=[{"from_grams": 5, "price_minor": 9}])
    paths = {
        "buyer": ["/products/", "/products/?search=nothing", f"/products/{slug}/"],
        "staff": ["/dashboard/products/", "/dashboard/new-product/", f"/dashboard/products/{slug}/",
                  f"/dashboard/products/{slug}/images/", "/dashboard/products/?category=smartfony",
                  "/dashboard/delivery-methods/", f"/dashboard/delivery-methods/{method.pk}/",
                  "/dashboard/product-categories/", "/dashboard/product-categories/smartfony/",
                  "/dashboard/imports/products/", f"/dashboard/imports/{ready.pk}/", f"/dashboard/imports/{wrong.pk}/"],
    }[who]  # fmt: skip
    if who == "staff":
        signed_in(browser, site, alpha, owner_of(alpha))
    found = []
    page = browser.new_page()
    for path in paths:
        address = site.url(alpha, path)
        page.goto(address)
        page.evaluate(AXE)
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme=theme, reduced_motion="reduce")
            found += [(theme, path, *each) for each in page.evaluate(RUN_AXE)]
        for language in ("en", "ru"):
            page.goto(f"{address}{'&' if '?' in address else '?'}lang={language}")
            width = page.evaluate("document.documentElement.scrollWidth")
            if width > browser.width:
                found.append((path, language, f"{width} px wide"))
    assert not found, json.dumps(found, indent=1, ensure_ascii=False)


@pytest.mark.browser
def test_a_parameter_is_chosen_in_place_and_stays_in_the_address(alpha, site, browser):
    bring_in(alpha)
    page = browser.new_page()
    page.goto(site.url(alpha, "/products/?category=smartfony"))
    # The first two are open by themselves.
    group = page.locator("details.facet", has_text="Цвет")
    if group.get_attribute("open") is None:
        group.locator("summary").click()
    page.get_by_label("черный").check()
    page.wait_for_url("**param.*")
    page.get_by_role("link", name="512GB (золотистый)").wait_for(state="detached")
    assert page.get_by_role("link", name="256GB (черный)").count() == 1


@pytest.mark.browser
def test_a_partners_price_list_goes_in_through_the_page_and_again_with_new_prices(alpha, site, browser, tmp_path):
    """Must show 2 of the catalog: the file as it is, then with changed prices, and exactly that difference."""
    signed_in(browser, site, alpha, owner_of(alpha))
    page = browser.new_page()

    def send(content, name):
        path = tmp_path / name
        path.write_bytes(content)
        page.goto(site.url(alpha, "/dashboard/imports/products/"))
        page.locator("input[type=file]").set_input_files(path)
        page.locator("main form button[type=submit]").first.click()
        page.wait_for_url("**/dashboard/imports/*-*/")
        with in_tenant(alpha):
            imports.validate(ImportJob.objects.get(status="pending"))
        page.reload()
        return page.locator("main").inner_text()

    def apply():
        page.locator("form[action$='/apply/'] button").click()
        page.wait_for_load_state()
        with in_tenant(alpha):
            imports.apply(ImportJob.objects.get(status="applying"))
        page.reload()
        assert "The price list is applied." in page.locator("main").inner_text()

    first = send(PRICE_LIST, "price-list-shop1.yaml")
    assert "Ready to apply" in first and "param.Цвет: золотистый" in first
    apply()
    with in_tenant(alpha):
        goods = Product.objects.all()
        assert goods.count() == 14 and not goods.filter(parameters={}).exists()
        iphone = goods.get(external_id="4216292")
        assert (iphone.price_minor, iphone.recommended_price_minor) == (11_000_000, 11_699_000)
        assert iphone.parameters["Цвет"] == "золотистый"
    # By a parameter, where buyers look.
    page.goto(site.url(alpha, "/products/?category=smartfony&param.Цвет=золотистый"))
    assert page.locator(".product-card").count() == 1
    again = send(PRICE_LIST, "price-list-shop1.yaml")
    assert "→" not in again
    changed = PRICE_LIST.replace(b"price: 110000", b"price: 99000").replace(b"price: 60000", b"price: 61500")
    diff = send(changed, "price-list-shop1.yaml")
    moves = re.findall(r"(\d+\.\d\d) → (\d+\.\d\d)", diff)
    assert moves == [("110000.00", "99000.00"), ("60000.00", "61500.00")]
    apply()
    with in_tenant(alpha):
        assert Product.objects.get(external_id="4216292").price_minor == 9_900_000


@pytest.mark.browser
def test_a_picture_is_seen_before_it_is_sent_and_stands_in_the_storefront_without_a_shift(
    alpha, site, browser, tmp_path
):
    with in_tenant(alpha):
        services.create_product(actor=None, name="Cup", price_minor=500)
    signed_in(browser, site, alpha, owner_of(alpha))
    path = tmp_path / "cup.jpg"
    path.write_bytes(picture_file(size=(900, 600)).read())
    page = browser.new_page()
    page.goto(site.url(alpha, "/dashboard/products/cup/images/"))
    page.get_by_label("Picture", exact=True).set_input_files(path)
    page.locator("#preview").wait_for(state="visible")
    page.get_by_label("What it shows").fill("A teal cup")
    page.get_by_role("button", name="Add the picture").press("Enter")
    page.get_by_text("The picture is there.").wait_for()
    page.goto(site.url(alpha, "/products/cup/"))
    image = page.get_by_alt_text("A teal cup")
    image.wait_for()
    assert image.evaluate("node => node.decode().then(() => node.currentSrc)").endswith(".webp")
    assert image.evaluate("node => [node.width > 0, node.getAttribute('width')]") == [True, "900"]
    shift = page.evaluate(
        """() => new Promise(done => {
            let moved = 0;
            new PerformanceObserver(list => { for (const one of list.getEntries()) moved += one.value; })
                .observe({type: "layout-shift", buffered: true});
            setTimeout(() => done(moved), 400);
        })"""
    )
    assert shift < 0.01
