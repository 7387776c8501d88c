import JSON
import Model
import Storage
import Testing

@testable import CoreNode

/// What clients of the WebSocket API may say (`websocket-api.md` 3).
@Suite struct WebSocketCommandTests {
    private func message(_ text: String, _ kind: WebSocketSessionKind = .general) throws -> WebSocketMessage {
        try WebSocketMessage(Array(text.utf8), kind)
    }

    @Test func commandsComeInTheirOrder() throws {
        let read = try message(
            """
            {"authCmd":{"cmdId":0,"token":"t","apiKey":"k"},"cmds":[{"type":"TIMESERIES","cmdId":2,"more":1},
            {"type":"ATTRIBUTES","cmdId":1},{"type":"ALARM_STATUS_UNSUBSCRIBE","cmdId":3}]}
            """)
        #expect(read.authentication?.token == "t")
        #expect(read.authentication?.apiKey == "k")
        #expect(read.commands.map(\.kind) == [.timeseries, .attributes, .alarmStatusUnsubscribe])
        #expect(read.commands.map(\.id) == [2, 1, 3])
    }

    @Test func olderEnvelopesAreReadInTheirFixedOrder() throws {
        let telemetry = try message(
            """
            {"entityDataCmds":[{"cmdId":3}],"tsSubCmds":[{"cmdId":2}],"attrSubCmds":[{"cmdId":1}],"alarmCountCmds":null}
            """, .telemetry)
        #expect(telemetry.commands.map(\.kind) == [.attributes, .timeseries, .entityData])
        let notifications = try message(
            #"{"markAllAsReadCmd":{"cmdId":3},"unreadCountSubCmd":{"cmdId":1}}"#, .notifications)
        #expect(notifications.commands.map(\.kind) == [.notificationsCount, .markAllAsRead])
    }

    @Test(arguments: [
        "", "1", "null", "[]", "{bad", #"{"cmds":1}"#, #"{"cmds":[1]}"#, #"{"cmds":[{"cmdId":1}]}"#,
        #"{"cmds":[{"type":"NOPE","cmdId":1}]}"#, #"{"cmds":[{"type":"ATTRIBUTES","cmdId":2147483648}]}"#,
        #"{"cmds":[{"type":"ATTRIBUTES","cmdId":1,"entityType":"TOASTER"}]}"#,
        #"{"cmds":[{"type":"TIMESERIES","cmdId":1,"startTs":"x"}]}"#,
        #"{"cmds":[{"type":"ENTITY_DATA","cmdId":1,"query":[]}]}"#, #"{"authCmd":5}"#,
        #"{"cmds":[{"type":"ATTRIBUTES","cmdId":1},{"type":"ATTRIBUTES","cmdId":{}}]}"#,
    ])
    func unreadableMessagesAreNoCommands(_ text: String) {
        #expect(throws: UnreadableCommands.self) { try message(text) }
    }

    @Test func deepNestingIsRefused() {
        let text = #"{"cmds":[{"type":"ENTITY_DATA","query":"# + String(repeating: "[", count: 5000)
        #expect(throws: UnreadableCommands.self) { try message(text) }
    }

    @Test func anEmptyMessageHasNoCommands() throws {
        #expect(try message("{}").commands.isEmpty)
        #expect(try message(#"{"cmds":[]}"#).commands.isEmpty)
        #expect(try message(#"{"cmds":null,"authCmd":null}"#).authentication == nil)
    }

    @Test func valuesAreTextWithTheTimeOfTheLast() throws {
        let reply = WebSocketReply.values(7, ["b": [(1, "x"), (2, "y")], "a": []])
        #expect(
            String(decoding: reply, as: UTF8.self)
                == #"{"subscriptionId":7,"errorCode":0,"errorMsg":null,"data":{"a":[],"b":[[1,"x"],[2,"y"]]},"#
                + #""latestValues":{"b":2}}"#)
        let failure = WebSocketReply.failure(1, .unreadable)
        #expect(
            String(decoding: failure, as: UTF8.self)
                == #"{"subscriptionId":1,"errorCode":2,"errorMsg":"Failed to parse the payload","data":null,"#
                + #""latestValues":{}}"#)
    }

    @Test func whatIsOlderOrTheSameIsNoNews() {
        let known = KnownValue(timestamp: 5, text: "x")
        #expect(!KnownValue(timestamp: 4, text: "y").isNews(after: known))
        #expect(!KnownValue(timestamp: 5, text: "x").isNews(after: known))
        #expect(KnownValue(timestamp: 5, text: "y").isNews(after: known))
        #expect(KnownValue(timestamp: 6, text: "x").isNews(after: known))
        let gone = KnownValue(timestamp: 0, text: "")
        #expect(gone.isNews(after: known))
        #expect(!gone.isNews(after: gone))
        #expect(known.isNews(after: nil))
    }
}
