"""Users that tests sign in as."""
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
