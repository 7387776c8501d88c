@testable import CalculatedFields
import JSON
import Messages
import Model
import ScriptEngine
import Telemetry
import Testing

@Suite struct FieldStateTests {
    private static let now: Int64 = 1_000_000
    private let arguments = [
        FieldArgument(name: "a", key: "a"), FieldArgument(name: "d", key: "d", defaultValue: "7"),
        FieldArgument(name: "r", key: "r", source: .rolling(limit: 3, window: 1_000)),
    ]

    private func state() -> FieldState { FieldState(arguments, rollingLimit: 1_000, now: Self.now) }

    @Test func argumentsWithoutValuesAreMissing() {
        var state = state()
        #expect(state.missing == ["a", "r"])
        let isNew1 = state.update(0, .long(1), at: 10, now: Self.now)
        #expect(isNew1)
        let isNew2 = state.update(2, .double(2), at: Self.now, now: Self.now)
        #expect(isNew2)
        #expect(state.missing.isEmpty)
    }

    @Test func anOlderValueChangesNothing() {
        var state = state()
        let isNew3 = state.update(0, .long(1), at: 10, now: Self.now)
        #expect(isNew3)
        let isNew4 = state.update(0, .long(2), at: 9, now: Self.now)
        #expect(!isNew4)
        let isNew5 = state.update(0, .long(3), at: 10, now: Self.now)
        #expect(isNew5)
        #expect(state.entries[0] == .single(SingleArgument(time: 10, value: .long(3))))
    }

    @Test func aDefaultGivesWayToAnyValue() {
        var state = state()
        #expect(state.entries[1] == .single(SingleArgument(time: Self.now, value: .double(7), isDefault: true)))
        let isNew6 = state.update(1, .string("x"), at: 1, now: Self.now)
        #expect(isNew6)
        #expect(state.entries[1] == .single(SingleArgument(time: 1, value: .string("x"))))
    }

    @Test(arguments: [
        ("5", TelemetryValue.double(5)), ("-1.5", .double(-1.5)), ("true", .boolean(true)), ("FALSE", .boolean(false)),
        ("inf", .string("inf")), ("text", .string("text")),
    ])
    func defaultsAreWhatTheirTextSays(_ text: String, _ value: TelemetryValue) {
        #expect(SingleArgument(default: text, now: 1).value == value)
    }

    @Test func defaultsOfNothingAreNone() {
        #expect(SingleArgument(default: nil, now: 1).value == nil)
        #expect(SingleArgument(default: "  ", now: 1).value == nil)
    }

    @Test func rollingValuesAreTheNewestOfTheWindowInOrder() {
        var rolling = RollingArgument(limit: 3, window: 1_000)
        for (time, value) in [(500, 5.0), (300, 3.0), (400, 4.0), (400, 4.5), (200, 2.0)] {
            rolling.add(.double(value), at: Int64(time), now: 1_200)
        }
        #expect(rolling.points.map(\.value) == [3.0, 4.5, 5.0])
        rolling.expire(now: 1_450)
        #expect(rolling.points.map(\.value) == [5.0])
        rolling.add(.string("no"), at: 600, now: 1_450)
        #expect(rolling.points[1].value.isNaN)
    }

    @Test func theLatestTimeIsThatOfValues() {
        var state = state()
        _ = state.update(0, .long(1), at: 10, now: Self.now)
        #expect(state.latestTime == 10)
        let defaults = FieldState([arguments[1]], rollingLimit: 0, now: Self.now)
        #expect(defaults.latestTime == Self.now)
    }

    @Test func argumentsAreShownInEvents() {
        var state = state()
        _ = state.update(0, .json(#"{"x":1}"#), at: 10, now: Self.now)
        let shown = state.document(now: Self.now)
        #expect(shown["a"] == ["type": "SINGLE_VALUE", "ts": 10, "value": ["x": 1]])
        #expect(shown["r"] == nil)
    }

    @Test(
        arguments: [
            (1.5, nil, JSONValue.double(1.5)), (1.5, 0, .integer(2)), (-1.5, 0, .integer(-1)),
            (2.345, 2, .double(2.35)),
        ] as [(Double, Int?, JSONValue)])
    func resultsAreRounded(_ value: Double, _ places: Int?, _ expected: JSONValue) throws {
        #expect(try FieldFormula.rounded(value, places) == expected)
    }

    @Test func whatIsNoNumberIsNoResult() {
        #expect(throws: FieldCalculationError.self) { try FieldFormula.rounded(.nan, nil) }
        #expect(throws: FieldCalculationError.self) { try FieldFormula.rounded(.infinity, 2) }
    }
}

@Suite struct FieldEventTests {
    private static let entity = EntityID(type: .device, uuid: UUID128(high: 1, low: 2))
    private static let other = EntityID(type: .asset, uuid: UUID128(high: 3, low: 4))
    private static let values = [
        FieldEvent.Value(key: "a", value: .long(1), time: 5), FieldEvent.Value(key: "b", value: .double(25), time: 6),
        FieldEvent.Value(key: "c", value: .boolean(true), time: 7),
        FieldEvent.Value(key: "d", value: .string("x"), time: 8),
        FieldEvent.Value(key: "e", value: .json("[1]"), time: 9),
    ]

    @Test(
        arguments: [
            .timeseries(values), .attributes(.shared, values), .timeseriesRemoved(["a"]),
            .attributesRemoved(.client, ["b"]),
            .began(CalculatedFieldID(UUID128(high: 9, low: 9)), version: 3),
        ] as [FieldEvent.Change])
    func eventsTravelAsMessages(_ change: FieldEvent.Change) throws {
        let event = FieldEvent(
            tenant: TenantID(UUID128(high: 7, low: 8)), entity: Self.entity, source: Self.other, change: change,
            previous: [UUID128(high: 5, low: 6)], messageID: UUID128(high: 1, low: 1), messageType: "T")
        let read = try #require(FieldEvent(event.message(now: 1)))
        #expect(read.change == change)
        #expect(read.entity == event.entity && read.source == event.source && read.tenant == event.tenant)
        #expect(read.previous == event.previous && read.messageID == event.messageID && read.messageType == "T")
    }

    @Test func otherMessagesAreNoEvents() {
        var message = FieldEvent(
            tenant: TenantID(.zero), entity: Self.entity, change: .timeseriesRemoved([])
        ).message(now: 1)
        message.payload = .text("{}")
        #expect(FieldEvent(message) == nil)
        message.payload = .text("no JSON")
        #expect(FieldEvent(message) == nil)
    }

    @Test func argumentsAreConcernedByKeyKindAndEntity() {
        let arguments = [
            FieldArgument(name: "own", key: "a"), FieldArgument(name: "named", entity: Self.entity, key: "a"),
            FieldArgument(name: "other", entity: Self.other, key: "a"), FieldArgument(name: "key", key: "z"),
            FieldArgument(name: "attribute", key: "a", source: .attribute(.server)),
            FieldArgument(name: "rolling", key: "a", source: .rolling(limit: 1, window: 1)),
        ]
        var event = FieldEvent(tenant: TenantID(.zero), entity: Self.entity, change: .timeseries(Self.values))
        #expect(event.indices(of: arguments, fieldEntity: Self.entity) == [0, 1, 5])
        event.source = Self.other
        #expect(event.indices(of: arguments, fieldEntity: Self.entity) == [2])
        event.source = nil
        event.change = .attributes(.server, Self.values)
        #expect(event.indices(of: arguments, fieldEntity: Self.entity) == [4])
        event.change = .attributes(.shared, Self.values)
        #expect(event.indices(of: arguments, fieldEntity: Self.entity).isEmpty)
    }
}
