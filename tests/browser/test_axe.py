"""The finder of accessibility faults finds them, in shadow trees too, and nothing else."""

from playwright.sync_api import Browser

from tests.browser.axe import report, violations

GOOD = "<!doctype html><html lang='en'><title>t</title><main><h1>Sea</h1>{}</main></html>"
SHADOW = """() => {
  const root = document.querySelector("div").attachShadow({ mode: "open" });
  root.innerHTML = "<p style='color:#999;background:#fff'>pale</p>";
}"""


def test_faults_are_told_with_rule_impact_place_and_excerpt(chromium: Browser) -> None:
    page = chromium.new_page()
    page.set_content(GOOD.format("<img src='data:,'><div></div>"))
    page.evaluate(SHADOW)
    image, pale = sorted(violations(page), key=lambda found: found.rule, reverse=True)
    assert (image.rule, image.impact, image.target) == ("image-alt", "critical", "img")
    assert image.html == '<img src="data:,">'
    assert (pale.rule, pale.target) == ("color-contrast", "div >> p")
    assert "#999999" in pale.why
    assert report([image]).startswith("image-alt (critical) at img: <img")
    page.close()


def test_a_page_without_faults_has_none_and_may_be_asked_again(chromium: Browser) -> None:
    page = chromium.new_page()
    page.set_content(GOOD.format("<img src='data:,' alt='the sea'>"))
    assert violations(page) == violations(page) == []
    page.close()


def test_a_policy_against_foreign_scripts_does_not_blind_it(chromium: Browser) -> None:
    page = chromium.new_page()
    policy = "<meta http-equiv='Content-Security-Policy' content=\"script-src 'none'\">"
    page.set_content(GOOD.format("<img src='data:,'>").replace("<title>", policy + "<title>"))
    assert [found.rule for found in violations(page)] == ["image-alt"]
    page.close()
