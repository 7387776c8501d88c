"""The published Python REST client, unmodified, on devices, assets, views, relations and dashboards (rest-api.md 5.3)."""
import pathlib
import re
import uuid

import pytest
import tb_rest_client
from tb_rest_client.models import *  # noqa: F403 - what the client's own examples do
from tb_rest_client.rest import ApiException
from tb_rest_client.rest_client import RestClient


def salt():
    return uuid.uuid4().hex[:12]


@pytest.fixture(scope="module")
def client(server):
    with RestClient(base_url=server.url) as client:
        client.login(username="tenant@thingsboard.org", password="tenant")
        yield client


@pytest.fixture
def customer(client):
    return client.save_customer(Customer(title="Customer " + salt()))


def names(page):
    return [one.name for one in page.data]


def test_devices(client, customer):
    name = "Device " + salt()
    device = client.save_device(Device(name=name, type="default", label="L"), access_token="token-" + name[7:])
    assert client.get_device_by_id(device.id).label == "L"
    assert client.get_device_info_by_id(device.id).active is False
    assert client.get_tenant_device(name).id.id == device.id.id
    assert names(client.get_tenant_devices(10, 0, text_search=name)) == [name]
    assert names(client.get_tenant_device_infos(10, 0, text_search=name)) == [name]
    assert [one.name for one in client.get_devices_by_ids([device.id.id])] == [name]
    assert "default" in [one.type for one in client.get_device_types()]
    credentials = client.get_device_credentials_by_device_id(device.id)
    assert credentials.credentials_id == "token-" + name[7:]
    credentials.credentials_id = "changed-" + name[7:]
    assert client.update_device_credentials(credentials).credentials_id == credentials.credentials_id
    device.customer_id = customer.id
    assert client.save_device(device).customer_id.id == customer.id.id
    assert names(client.get_customer_devices(customer.id, 10, 0)) == [name]
    assert client.get_device_publish_telemetry_commands(device.id)
    client.delete_device(device.id)
    with pytest.raises(ApiException) as absent:
        client.get_device_by_id(device.id)
    assert absent.value.status == 404


def test_device_profiles(client):
    name = "Profile " + salt()
    profile = client.save_device_profile(DeviceProfile(
        name=name, type="DEFAULT", transport_type="DEFAULT", provision_type="DISABLED",
        profile_data=DeviceProfileData(
            configuration=DeviceProfileConfiguration(type="DEFAULT"),
            transport_configuration=DeviceProfileTransportConfiguration(type="DEFAULT"))))
    assert client.get_device_profile_by_id(profile.id).name == name
    assert client.get_device_profile_info_by_id(profile.id).name == name
    assert names(client.get_device_profiles(10, 0, text_search=name)) == [name]
    assert names(client.get_device_profile_infos(10, 0, text_search=name)) == [name]
    former = client.get_default_device_profile_info()
    try:
        assert client.set_default_device_profile(profile.id).default is True
    finally:
        client.set_default_device_profile(DeviceProfileId(former.id.id, "DEVICE_PROFILE"))
    assert name in [one.name for one in client.get_device_profile_names()]
    assert isinstance(client.get_timeseries_keys(), list) and isinstance(client.get_attributes_keys(), list)
    client.delete_device_profile(profile.id)


def test_assets_and_their_profiles(client, customer):
    name = "Asset " + salt()
    profile = client.save_asset_profile(AssetProfile(name="Profile of " + name))
    asset = client.save_asset(Asset(name=name, asset_profile_id=profile.id))
    assert asset.type == profile.name
    assert client.get_asset_by_id(asset.id).name == name
    assert client.get_asset_info_by_id(asset.id).name == name
    assert client.get_tenant_asset(name).id.id == asset.id.id
    assert names(client.get_tenant_assets(10, 0, text_search=name)) == [name]
    assert [one.name for one in client.get_assets_by_ids([asset.id.id])] == [name]
    assert profile.name in [one.type for one in client.get_asset_types()]
    asset.customer_id = customer.id
    assert client.save_asset(asset).customer_id.id == customer.id.id
    assert names(client.get_customer_assets(customer.id, 10, 0)) == [name]
    assert names(client.get_asset_profiles(10, 0, text_search=name)) == [profile.name]
    assert client.get_asset_profile_info_by_id(profile.id).name == profile.name
    assert client.get_default_asset_profile_info().name
    client.delete_asset(asset.id)
    client.delete_asset_profile(profile.id)


def test_relations_and_views(client):
    asset = client.save_asset(Asset(name="Asset " + salt(), type="default"))
    device = client.save_device(Device(name="Device " + salt(), type="default"))
    relation = EntityRelation(_from=asset.id, to=device.id, type="Contains", type_group="COMMON")
    client.save_relation(relation)
    assert [one.to.id for one in client.find_by_from(asset.id, "Contains")] == [device.id.id]
    assert [one._from.id for one in client.find_by_to(device.id, "Contains")] == [asset.id.id]
    assert client.get_relation(asset.id, "Contains", device.id).type == "Contains"
    client.delete_relation(asset.id, "Contains", device.id)
    with pytest.raises(ApiException) as absent:
        client.get_relation(asset.id, "Contains", device.id)
    assert absent.value.status == 404
    view = client.save_entity_view(EntityView(name="View " + salt(), type="t", entity_id=device.id))
    assert client.get_entity_view_by_id(view.id).name == view.name
    assert client.get_entity_view_info_by_id(view.id).name == view.name
    assert client.get_tenant_entity_view(view.name).id.id == view.id.id
    assert names(client.get_tenant_entity_views(10, 0, text_search=view.name)) == [view.name]
    assert "t" in [one.type for one in client.get_entity_view_types()]
    client.delete_entity_view(view.id)


def test_dashboards(client, customer):
    title = "Dashboard " + salt()
    dashboard = client.save_dashboard(Dashboard(title=title))
    assert client.get_dashboard_by_id(dashboard.id).title == title
    assert client.get_dashboard_info_by_id(dashboard.id).title == title
    assert [one.title for one in client.get_tenant_dashboards(10, 0, text_search=title).data] == [title]
    assert client.get_customer_dashboards(customer.id, 10, 0).data == []
    assert client.get_home_dashboard() is None
    assert client.get_tenant_home_dashboard_info().dashboard_id is None
    client.delete_dashboard(dashboard.id)


# Paths of the professional edition (rest-api.md 4.21) and files for what this platform does not serve.
NOT_SERVED = {
    "GET /api/entityGroup/{}/assets", "GET /api/entityGroup/{}/devices", "GET /api/entityGroup/{}/entityViews",
    "GET /api/entityGroup/{}/dashboards", "GET /api/entityGroup/{}/dashboards/export",
    "POST /api/entityGroup/{}/dashboards/import", "GET /api/devices/count/{}/{}/{}",
    "GET /api/customer/dashboard/home/info", "POST /api/customer/dashboard/home/info",
    "GET /api/device-connectivity/{}/certificate/download",
}
CONTROLLERS = ["asset", "asset_profile", "device", "device_profile", "entity_view", "entity_relation", "dashboard",
               "device_connectivity"]


def test_every_call_of_the_client_has_its_path(rest):
    missing = set()
    calls = 0
    for controller in CONTROLLERS:
        source = pathlib.Path(tb_rest_client.__file__).parent / "api" / f"{controller}_controller_api.py"
        for path, method in re.findall(r"'(/api/[^'{]*(?:{[^?][^'{]*)*)(?:{\?[^']*)?', '(\w+)',", source.read_text()):
            calls += 1
            path = re.sub(r"{\w+}", "00000000-0000-1000-8000-000000000000", path)
            answer = rest.call(method, path, {} if method == "POST" else None)
            if answer.status_code == 405 or "No static resource" in answer.text:
                missing.add(method + " " + path.replace("00000000-0000-1000-8000-000000000000", "{}"))
    assert calls > 100
    assert missing == NOT_SERVED
