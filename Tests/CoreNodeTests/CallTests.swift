import HTTPServer
import JSON
import Model
import Storage
import Testing

@testable import CoreNode

@Suite struct CallTests {
    private func call(_ target: String, body: String = "", fields: [(String, String)] = []) -> Call {
        Call(HTTPRequest(.get, target, fields: fields, body: Array(body.utf8)), PathParameters([:]), now: 5)
    }

    private func link(_ query: String) -> Result<PageLink, APIError> {
        let call = call("/x?" + query)
        do throws(APIError) {
            return .success(try call.pageLink())
        } catch {
            return .failure(error)
        }
    }

    private func error(_ query: String) -> APIError? {
        if case .failure(let error) = link(query) { error } else { nil }
    }

    @Test func `a page is read with search and order`() throws {
        let link = try link("pageSize=20&page=3&textSearch=a%25&sortProperty=name&sortOrder=desc").get()
        #expect(link.pageSize == 20)
        #expect(link.page == 3)
        #expect(link.textSearch == "a%")
        #expect(link.sort?.property == "name")
        #expect(link.sort?.descending == true)
    }

    @Test func `empty parameters are absent`() throws {
        let link = try link("pageSize=1&page=0&textSearch=&sortProperty=&sortOrder=").get()
        #expect(link.textSearch == nil)
        #expect(link.sort == nil)
    }

    @Test(arguments: [
        ("page=0", 500, "Required request parameter 'pageSize' for method parameter type int is not present"),
        ("pageSize=10", 500, "Required request parameter 'page' for method parameter type int is not present"),
        ("pageSize=0&page=0", 400, "Incorrect page link page size '0'. Page size must be greater than zero."),
        ("pageSize=10&page=-1", 400, "Incorrect page link page '-1'. Page must be positive integer."),
        ("pageSize=1&page=0&sortProperty=a;b", 400, "Invalid sort property"),
        (
            "pageSize=1&page=0&sortProperty=name&sortOrder=UP", 400,
            "Unsupported sort order 'UP'! Only 'ASC' or 'DESC' types are allowed."
        ),
    ])
    func `a wrong page is explained`(_ query: String, _ status: Int, _ message: String) {
        #expect(error(query)?.status == status)
        #expect(error(query)?.message == message)
    }

    @Test func `a number that is none is a bad request`() {
        #expect(error("pageSize=abc&page=0")?.status == 400)
        #expect(error("pageSize=99999999999&page=0")?.code == .badRequest)
    }

    @Test(arguments: [("true", true), ("1", true), ("ON", true), ("no", false), ("False", false)])
    func `booleans have several names`(_ text: String, _ value: Bool) throws {
        #expect(try call("/x?a=" + text).boolean("a") == value)
        #expect(throws: APIError.self) { try call("/x?a=maybe").boolean("a") }
    }

    @Test func `keys are joined or repeated, and repeated ones keep their commas`() {
        #expect(call("/x?keys=a,b&keys=c").telemetryKeys == ["a", "b", "c"])
        #expect(call("/x?key=a,b&key=c&keys=z").telemetryKeys == ["a,b", "c"])
        #expect(call("/x?keys=").telemetryKeys == nil)
    }

    @Test func `a list of ids may be joined or repeated but not be missing`() throws {
        let a = UUID128.random()
        let b = UUID128.random()
        #expect(try call("/x?ids=\(a),\(b)&ids=\(a)").requiredIDs("ids") == [a, b, a])
        #expect(throws: APIError.invalid("Parameter 'ids' can't be empty!")) { try call("/x?ids=").requiredIDs("ids") }
        #expect(throws: APIError.self) { try call("/x").requiredIDs("ids") }
        #expect(throws: APIError.self) { try call("/x?ids=nonsense").requiredIDs("ids") }
    }

    // MARK: - Bodies

    @Test(arguments: [
        ("{", "JSON parse error: "), ("[]", "JSON parse error: "), ("", "Required request body is missing"),
    ])
    func `a wrong body is told from a missing one`(_ body: String, _ message: String) {
        let error = #expect(throws: APIError.self) { try call("/x", body: body).object() }
        #expect(error?.status == 500)
        #expect(error?.code == .general)
        #expect(error?.message.hasPrefix(message) == true)
    }

    @Test func `only JSON is taken where JSON is due`() throws {
        let error = #expect(throws: APIError.self) {
            try call("/x", body: "{}", fields: [("Content-Type", "text/plain")]).object()
        }
        #expect(error?.message == "Content-Type 'text/plain;charset=UTF-8' is not supported")
        _ = try call("/x", body: "{}", fields: [("Content-Type", "application/json; charset=utf-8")]).object()
        _ = try call("/x", body: "{}").object()
    }

    @Test func `members are read with their types`() throws {
        let id = UUID128.random()
        let body = """
            {"t":"x","n":5,"b":"true","none":null,"d":{"a":1},"id":{"entityType":"DEVICE","id":"\(id)"},"z":"a\\u0000b",
            "short":{"id":"\(id)"}}
            """
        let object = try call("/x", body: body).object()
        #expect(try object.text("t") == "x")
        #expect(try object.text("n") == "5")
        #expect(try object.text("none") == nil)
        #expect(try object.storedText("z") == "ab")
        #expect(try object.integer("n") == 5)
        #expect(try object.boolean("b") == true)
        #expect(object.document("d")?.text == #"{"a":1}"#)
        #expect(try object.id("id") == DeviceID(id))
        #expect(try object.id("short") == DeviceID(id))
        #expect(throws: APIError.self) { let _: CustomerID? = try object.id("id") }
        #expect(throws: APIError.self) { try object.text("d") }
        #expect(throws: APIError.self) { try object.integer("t") }
    }

    // MARK: - History

    private func history(_ query: String) throws(APIError) -> HistoryParameters {
        try HistoryParameters(call("/x?startTs=0&endTs=10&keys=a&" + query))
    }

    @Test func `without an interval an aggregate is a raw query`() throws {
        guard case .raw(let query) = try history("agg=AVG").kind else {
            Issue.record("aggregated")
            return
        }
        #expect(query.limit == 100)
        #expect(!query.ascending)
    }

    @Test func `calendar intervals need no length`() throws {
        guard case .aggregated(let query) = try history("agg=SUM&intervalType=MONTH&timeZone=Europe/Kyiv").kind else {
            Issue.record("raw")
            return
        }
        #expect(query.interval == .month)
        #expect(query.timeZone == "Europe/Kyiv")
    }

    @Test(arguments: ["agg=MEDIAN", "limit=x", "orderBy=UP", "interval=x", "intervalType=DAY", "startTs=x"])
    func `unknown words of a history query are bad requests`(_ query: String) {
        let error = #expect(throws: APIError.self) {
            try HistoryParameters(call("/x?\(query)&startTs=0&endTs=10&keys=a"))
        }
        #expect(error?.status == 400)
        #expect(error?.code == .badRequest)
        #expect(error?.isEarly == true)
    }
}
