import HTTPServer
import JSON
import Model
import Postgres
import Storage
import Testing

@testable import CoreNode

@Suite struct RenderingTests {
    private let id = UUID128("784f394c-42b6-435a-983c-b7beff2784f9") ?? .zero

    private func text(_ value: some JSONRendered) -> String {
        var writer = JSONWriter()
        value.write(to: &writer)
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    @Test func `a device has all its members, null ones included`() {
        let device = Device(
            id: DeviceID(id), createdTime: 5, tenantID: TenantID(id), name: "n\"", type: "default",
            deviceProfileID: DeviceProfileID(id), deviceData: RawJSON(wellFormed: #"{"a": 1}"#))
        #expect(
            text(device)
                == #"{"id":{"entityType":"DEVICE","id":"784f394c-42b6-435a-983c-b7beff2784f9"},"createdTime":5,"#
                + #""tenantId":{"entityType":"TENANT","id":"784f394c-42b6-435a-983c-b7beff2784f9"},"#
                + #""customerId":{"entityType":"CUSTOMER","id":"13814000-1dd2-11b2-8080-808080808080"},"#
                + #""name":"n\"","type":"default","label":null,"#
                + #""deviceProfileId":{"entityType":"DEVICE_PROFILE","id":"784f394c-42b6-435a-983c-b7beff2784f9"},"#
                + #""firmwareId":null,"softwareId":null,"externalId":null,"version":1,"additionalInfo":null,"#
                + #""deviceData":{"a": 1}}"#)
    }

    @Test func `credentials have a plain id`() throws {
        let credentials = DeviceCredentials(
            id: id, createdTime: 5, deviceID: DeviceID(id), type: .accessToken, credentialsID: "tok")
        let value = try JSONValue.parse(text(credentials))
        #expect(value["id"] == ["id": .string(id.text)])
        #expect(value["credentialsType"] == "ACCESS_TOKEN")
        #expect(value["credentialsValue"] == .null)
    }

    @Test func `a user is called by the address, a customer by the title`() throws {
        let user = User(
            id: UserID(id), createdTime: 5, tenantID: .system, email: "a@x.org", authority: .systemAdministrator)
        #expect(try JSONValue.parse(text(user))["name"] == "a@x.org")
        let customer = Customer(id: CustomerID(id), createdTime: 5, tenantID: TenantID(id), title: "T")
        #expect(try JSONValue.parse(text(customer))["name"] == "T")
    }

    @Test func `a profile says whether it is the default`() throws {
        let profile = DeviceProfile(
            id: DeviceProfileID(id), createdTime: 5, tenantID: TenantID(id), name: "p", isDefault: true)
        let value = try JSONValue.parse(text(profile))
        #expect(value["default"] == true)
        #expect(value["profileData"]?["provisionConfiguration"]?["type"] == "DISABLED")
    }

    @Test func `a page has its totals`() {
        let page = Page(
            elements: [TokenPair(access: "a", refresh: "r")], totalElements: 3, link: PageLink(pageSize: 1, page: 0))
        #expect(
            String(decoding: HTTPResponse.json(page).body, as: UTF8.self)
                == #"{"data":[{"token":"a","refreshToken":"r"}],"totalPages":3,"totalElements":3,"hasNext":true}"#)
    }

    @Test func `an error is an object with status, message, code and time`() {
        let response = APIError.tokenExpired.response(now: 7)
        #expect(response.status == 401)
        #expect(
            String(decoding: response.body, as: UTF8.self)
                == #"{"status":401,"message":"Token has expired","errorCode":11,"timestamp":7}"#)
    }

    @Test func `a deferred endpoint answers with the text alone, and hides what failed inside`() {
        let response = APIError.permissionDenied.textResponse(acceptsJSON: false)
        #expect(response.status == 403)
        #expect(response.field("Content-Type") == "text/plain;charset=UTF-8")
        #expect(
            String(decoding: response.body, as: UTF8.self) == "You don't have permission to perform this operation!")
        #expect(APIError(500, .database, "Database error").textResponse(acceptsJSON: true).body.isEmpty)
    }

    @Test func whatTheDatabaseCouldNotBeginMayBeAskedForAgain() {
        let away = PostgresError(message: "gone", isConnectionFailure: true)
        let deadlock = PostgresError(sqlState: "40P01", message: "deadlock")
        for error in [DatabaseError.closed, .overloaded, .timeout, .unavailable(away), .postgres(deadlock)] {
            #expect(APIError(error) == .busy, "\(error)")
        }
        // Other than those, it may have been done.
        for error in [DatabaseError.connectionLost(away), .postgres(away)] {
            #expect(APIError(error) == .databaseLost, "\(error)")
        }
        #expect(APIError(DatabaseError.postgres(PostgresError(sqlState: "42601", message: "syntax")))?.status == 500)
    }
}
