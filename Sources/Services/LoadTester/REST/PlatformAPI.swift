internal import JSON

/// The management calls that a load test makes, as `rest-api.md` 5.1 lists them.
struct PlatformAPI: Sendable {
    let client: RESTClient

    /// Identifier of the profile with this name, made when there is none.
    func deviceProfile(named type: PayloadType) async throws(RESTError) -> String {
        let list = try await client.call("GET", "/api/deviceProfiles?pageSize=1000&page=0")
        guard let profiles = list["data"]?.arrayValue else { throw .unexpectedAnswer(call: "GET /api/deviceProfiles") }
        for profile in profiles where profile["name"]?.stringValue == type.rawValue {
            if let id = profile["id"]?["id"]?.stringValue { return id }
        }
        let made = try await client.call("POST", "/api/deviceProfile", body: DeviceProfiles.profile(of: type))
        guard let id = made["id"]?["id"]?.stringValue else { throw .unexpectedAnswer(call: "POST /api/deviceProfile") }
        return id
    }

    /// Identifier of the device with this name; `nil` when there is none.
    func device(named name: String) async throws(RESTError) -> String? {
        let call = "/api/tenant/devices?deviceName=\(name)"
        guard let device = try await client.callUnlessAbsent("GET", call) else { return nil }
        guard let id = device["id"]?["id"]?.stringValue else { throw .unexpectedAnswer(call: "GET \(call)") }
        return id
    }

    /// Makes a device whose access token is its name.
    func createDevice(
        named name: String, profile: String, isGateway: Bool = false
    ) async throws(RESTError) -> String {
        var body: JSONObject = [
            "name": .string(name), "type": "device",
            "deviceProfileId": ["entityType": "DEVICE_PROFILE", "id": .string(profile)],
        ]
        if isGateway { body["additionalInfo"] = ["gateway": true] }
        let device = try await client.call("POST", "/api/device?accessToken=\(name)", body: .object(body))
        guard let id = device["id"]?["id"]?.stringValue else { throw .unexpectedAnswer(call: "POST /api/device") }
        return id
    }

    func deleteDevice(_ id: String) async throws(RESTError) {
        _ = try await client.callUnlessAbsent("DELETE", "/api/device/\(id)")
    }

    /// Time stamp of the latest value of `key`; `nil` when there is none.
    func latestTimestamp(device id: String, key: String) async throws(RESTError) -> Int64? {
        let call = "/api/plugins/telemetry/DEVICE/\(id)/values/timeseries?keys=\(key)"
        let point = try await client.call("GET", call)[key]?[0]
        guard let point, point["value"]?.isNull == false else { return nil }
        return point["ts"]?.integerValue
    }

    /// Time stamps at which each of `keys` has a value, within [start, end), ascending, at most `limit` per key.
    func history(
        device id: String, keys: [String], start: Int64, end: Int64, limit: Int
    ) async throws(RESTError) -> [[Int64]] {
        let call =
            "/api/plugins/telemetry/DEVICE/\(id)/values/timeseries?keys=\(keys.joined(separator: ","))"
            + "&startTs=\(start)&endTs=\(end)&limit=\(limit)&agg=NONE&orderBy=ASC"
        let body = try await client.bytes("GET", call)
        guard let found = HistoryReader.timestamps(in: body, keys: keys) else {
            throw .unexpectedAnswer(call: "GET /api/plugins/telemetry/..")
        }
        return found
    }
}

/// Reads time stamps out of `{"key":[{"ts":1,"value":"2"},..],..}` without building the rest.
enum HistoryReader {
    /// Per key its time stamps in their order, empty for a key that is not there; `nil` when `body` is something else.
    static func timestamps(in body: [UInt8], keys: [String]) -> [[Int64]]? {
        let parser = JSONParser()
        do {
            try parser.parse(body.span)
        } catch {
            return nil
        }
        return parser.withTape { tape in
            var found = [[Int64]](repeating: [], count: keys.count)
            guard tape[0].kind == .objectStart else { return nil }
            var index = 1
            while tape[index].kind == .key {
                let key = keys.firstIndex(of: tape.string(of: tape[index]))
                let points = index + 1
                index = tape.behindValue(at: points)
                guard tape[points].kind == .arrayStart else { return nil }
                if let key { found[key] = timestamps(tape, from: points + 1, to: index - 1) }
            }
            return found
        }
    }

    private static func timestamps(_ tape: borrowing JSONTape, from start: Int, to end: Int) -> [Int64] {
        var found: [Int64] = []
        for index in start..<end where tape[index].kind == .key && tape.text(of: tape[index], equals: "ts") {
            if tape[index + 1].kind == .integer { found.append(tape[index + 1].integer) }
        }
        return found
    }
}
