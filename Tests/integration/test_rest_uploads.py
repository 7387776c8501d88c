"""Files that come as forms: images and resources."""
import base64
import uuid

import pytest
import requests

from people import administrator

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAIAAAADCAIAAAA2iEnWAAAAEElEQVR4nGP4z8AARAwoFABE0AX7pM/egAAAAABJRU5ErkJggg==")
SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="4" height="4"/>'


def form(rest, method, path, name, data, media="application/octet-stream", **texts):
    return rest.session.request(method, rest.url + path, files={"file": (name, data, media)}, data=texts, timeout=60)


def test_an_image_is_made_replaced_published_exported_and_imported(rest):
    name = f"Image {uuid.uuid4().hex}.PNG"
    answer = form(rest, "POST", "/api/image", name, PNG, "text/plain", title="A picture", imageSubType="IMAGE")
    assert answer.status_code == 200, answer.text
    image = answer.json()
    assert (image["title"], image["resourceType"], image["resourceSubType"]) == ("A picture", "IMAGE", "IMAGE")
    # What it is is told by its bytes.
    assert image["descriptor"]["mediaType"] == "image/png"
    assert (image["descriptor"]["width"], image["descriptor"]["height"]) == (2, 3)
    key = image["resourceKey"]
    assert key == name.lower().replace(" ", "_") and image["link"] == "/api/images/tenant/" + key
    shown = rest.call("GET", image["link"])
    assert (shown.content, shown.headers["Content-Type"]) == (PNG, "image/png")
    assert shown.headers["Cache-Control"] == "no-cache"
    known = rest.call("GET", image["link"], headers={"If-None-Match": shown.headers["ETag"]})
    assert (known.status_code, known.content) == (304, b"")
    assert rest.call("GET", image["link"] + "/preview").content == PNG
    # A second one of that name gets a key of its own.
    second = form(rest, "POST", "/api/image", name, PNG).json()
    assert second["resourceKey"] == key.replace(".png", "_(1).png") and second["title"] == name
    replaced = form(rest, "PUT", image["link"], "new.svg", SVG).json()
    assert replaced["descriptor"]["mediaType"] == "image/svg+xml" and replaced["fileName"] == "new.svg"
    assert replaced["etag"] != image["etag"] and replaced["resourceKey"] == key
    assert rest.ok("PUT", image["link"] + "/info", {"title": "Renamed"})["title"] == "Renamed"
    assert rest.ok("GET", image["link"] + "/info")["title"] == "Renamed"
    public = f"{rest.url}/api/images/public/{image['publicResourceKey']}"
    assert requests.get(public, timeout=60).status_code == 404
    assert rest.ok("PUT", image["link"] + "/public/true")["public"] is True
    assert requests.get(public, timeout=60).content == SVG
    rest.ok("PUT", image["link"] + "/public/false")
    assert requests.get(public, timeout=60).status_code == 404
    exported = rest.ok("GET", image["link"] + "/export")
    assert exported["mediaType"] == "image/svg+xml" and base64.b64decode(exported["data"]) == SVG
    assert rest.ok("PUT", "/api/image/import", exported)["id"] == image["id"]
    assert rest.ok("DELETE", image["link"])["success"] is True
    again = rest.ok("PUT", "/api/image/import", exported)
    assert again["id"] != image["id"] and again["resourceKey"] == key
    for link in (image["link"], second["link"]):
        rest.ok("DELETE", link)
    assert rest.call("GET", image["link"]).status_code == 404


@pytest.mark.parametrize("data", [b"", b"hello", b"<html><svg/></html>", b"<script>alert(1)</script>"])
def test_what_is_no_image_is_refused(rest, data):
    answer = form(rest, "POST", "/api/image", "a.png", data, "image/png")
    assert (answer.status_code, answer.json()["message"]) == (400, "The file is no image that can be shown!")


def test_bodies_that_are_no_forms_are_refused(rest):
    for body, media in [(b"", "multipart/form-data; boundary=x"), (b"--x", "multipart/form-data; boundary=x"),
                        (b"{}", "application/json"), (PNG, "image/png")]:
        answer = rest.session.post(rest.url + "/api/image", data=body, headers={"Content-Type": media}, timeout=60)
        assert (answer.status_code, answer.json()["errorCode"]) == (400, 31), answer.text


def test_a_resource_is_uploaded_described_and_replaced(rest):
    name = uuid.uuid4().hex + ".js"
    answer = form(rest, "POST", "/api/resource/upload", name, b"one", "text/javascript", title="Script",
                  resourceType="JS_MODULE", resourceSubType="EXTENSION")
    assert answer.status_code == 200, answer.text
    made = answer.json()
    assert (made["resourceKey"], made["resourceSubType"], made["title"]) == (name, "EXTENSION", "Script")
    path = "/api/resource/" + made["id"]["id"]
    shown = rest.call("GET", path + "/download")
    assert (shown.content, shown.headers["Content-Type"]) == (b"one", "application/javascript")
    assert form(rest, "PUT", path + "/data", "other.js", b"two").json()["fileName"] == "other.js"
    assert rest.call("GET", path + "/download").content == b"two"
    described = rest.ok("PUT", path + "/info", {"title": "Other", "resourceSubType": "MODULE"})
    assert (described["title"], described["resourceSubType"]) == ("Other", "MODULE")
    assert rest.call("GET", path + "/download").content == b"two"
    double = form(rest, "POST", "/api/resource/upload", name, b"x", resourceType="JS_MODULE")
    assert (double.status_code, double.json()["message"]) == (400, "Resource with such key already exists!")
    assert form(rest, "POST", "/api/resource/upload", name, b"x").json()["message"] == "Resource type should be specified!"
    assert form(rest, "POST", "/api/resource/upload", name, b"x", resourceType="FOO").status_code == 400
    rest.ok("DELETE", path)
    assert form(rest, "PUT", path + "/data", name, b"x").status_code == 404


def test_what_a_user_wants_to_be_told_of_is_kept(rest):
    rest, _ = administrator(rest)
    path = "/api/notification/settings/user"
    before = rest.ok("GET", path)["prefs"]
    assert before["ALARM"] == {"enabled": True, "enabledDeliveryMethods": {
        "WEB": True, "EMAIL": True, "SMS": True, "MOBILE_APP": True}}
    chosen = {**before, "ALARM": {"enabled": False, "enabledDeliveryMethods": {"WEB": False}}}
    saved = rest.ok("POST", path, {"prefs": chosen})["prefs"]
    assert saved["ALARM"]["enabled"] is False and saved["ALARM"]["enabledDeliveryMethods"]["WEB"] is False
    assert rest.ok("GET", path)["prefs"] == saved
    assert rest.call("POST", path, {"prefs": {"FOO": {}}}).status_code == 500


def test_the_longer_form_of_the_users_settings(rest):
    rest, _ = administrator(rest)
    rest.ok("PUT", "/api/user/settings/general", {"openedMenuSections": ["a"]})
    assert rest.ok("GET", "/api/user/settings/general")["openedMenuSections"] == ["a"]
    assert rest.ok("GET", "/api/user/settings")["openedMenuSections"] == ["a"]
