"""Users that tests sign in as, and tenants of their own."""
import uuid

from rest import Rest


def customer_with_user(rest):
    """A new customer and a session of its user."""
    salt = uuid.uuid4().hex[:12]
    customer = rest.ok("POST", "/api/customer", {"title": "Customer " + salt})
    user = rest.ok("POST", "/api/user?sendActivationMail=false", {
        "email": f"user-{salt}@example.com", "authority": "CUSTOMER_USER", "customerId": customer["id"]})
    activate(rest, user, "secret-" + salt)
    return customer, Rest(rest.url, user["email"], "secret-" + salt)


def activate(rest, user, password):
    link = rest.call("GET", f"/api/user/{user['id']['id']}/activationLink").text
    rest.ok("POST", "/api/noauth/activate?sendActivationMail=false",
            {"activateToken": link.split("activateToken=")[1], "password": password})


def administrator(rest):
    """Another administrator of the tenant, whose settings and password may be changed; its e-mail too. The password is secret-1."""
    email = f"admin-{uuid.uuid4().hex[:12]}@example.com"
    user = rest.ok("POST", "/api/user?sendActivationMail=false", {"email": email, "authority": "TENANT_ADMIN"})
    activate(rest, user, "secret-1")
    return Rest(rest.url, email, "secret-1"), email


def make_tenant(system, **fields):
    """A new tenant, and a session of its administrator."""
    salt = uuid.uuid4().hex[:12]
    tenant = system.ok("POST", "/api/tenant", {"title": "Tenant " + salt, **fields})
    user = system.ok("POST", "/api/user?sendActivationMail=false", {
        "email": f"admin-{salt}@example.com", "authority": "TENANT_ADMIN", "tenantId": tenant["id"]})
    activate(system, user, "secret-" + salt)
    return tenant, Rest(system.url, user["email"], "secret-" + salt)


def limited_tenant(url, **configuration):
    """A new tenant with a profile of its own that has these limits: a session of its administrator, and a function that changes
    them."""
    system = Rest(url, "sysadmin@thingsboard.org", "sysadmin")
    profile = system.ok("POST", "/api/tenantProfile", {
        "name": "Limited " + uuid.uuid4().hex, "profileData": {"configuration": {"type": "DEFAULT", **configuration}}})

    def change(**changes):
        current = system.ok("GET", "/api/tenantProfile/" + profile["id"]["id"])
        current["profileData"]["configuration"].update(changes)
        system.ok("POST", "/api/tenantProfile", current)

    return make_tenant(system, tenantProfileId=profile["id"])[1], change
