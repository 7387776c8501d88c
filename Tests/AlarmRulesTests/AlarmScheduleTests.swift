import AlarmRules
import JSON
import Testing

@Suite("Schedules of alarm rules")
struct AlarmScheduleTests {
    /// Monday, 1 January 2024, 00:00 UTC.
    private let monday: Int64 = 1_704_067_200_000
    private let hour: Int64 = 3_600_000
    private let day: Int64 = 86_400_000

    private func schedule(_ text: String) throws -> AlarmSchedule { try AlarmSchedule(try JSONValue.parse(text)) }

    @Test func `any time is any time`() throws {
        #expect(try schedule(#"{"type":"ANY_TIME"}"#).isActive(at: monday))
        #expect(try schedule("{}") == .anyTime)
    }

    @Test func `hours of some days: the start belongs to them, the end does not`() throws {
        let schedule = try schedule(
            #"{"type":"SPECIFIC_TIME","timezone":"UTC","daysOfWeek":[1,3],"startsOn":3600000,"endsOn":7200000}"#)
        #expect(try !schedule.isActive(at: monday + hour - 1))
        #expect(try schedule.isActive(at: monday + hour))
        #expect(try schedule.isActive(at: monday + 2 * hour - 1))
        #expect(try !schedule.isActive(at: monday + 2 * hour))
        #expect(try !schedule.isActive(at: monday + day + hour))
        #expect(try schedule.isActive(at: monday + 2 * day + hour))
    }

    @Test func `an end of 0 is that of the day`() throws {
        let schedule = try schedule(#"{"timezone":"","daysOfWeek":[1],"startsOn":3600000,"endsOn":0}"#)
        #expect(try schedule.isActive(at: monday + 23 * hour))
        #expect(try !schedule.isActive(at: monday + 24 * hour))
    }

    @Test func `hours over midnight belong to the day at both its ends`() throws {
        let schedule = try schedule(
            #"{"type":"SPECIFIC_TIME","daysOfWeek":[1],"startsOn":79200000,"endsOn":7200000}"#)
        #expect(try schedule.isActive(at: monday + 23 * hour))
        #expect(try schedule.isActive(at: monday + hour))
        #expect(try !schedule.isActive(at: monday + 3 * hour))
        #expect(try !schedule.isActive(at: monday + day + hour))
    }

    @Test func `days and hours are those of the time zone`() throws {
        let schedule = try schedule(
            #"{"type":"SPECIFIC_TIME","timezone":"Asia/Tokyo","daysOfWeek":[1],"startsOn":0,"endsOn":3600000}"#)
        #expect(try schedule.isActive(at: monday - 9 * hour))
        #expect(try !schedule.isActive(at: monday))
    }

    @Test func `each day may have hours of its own, or none`() throws {
        let schedule = try schedule(
            """
            {"type":"CUSTOM","timezone":"Europe/Berlin","items":[
              {"enabled":true,"dayOfWeek":1,"startsOn":0,"endsOn":3600000},
              {"enabled":false,"dayOfWeek":2,"startsOn":0,"endsOn":0}]}
            """)
        #expect(try schedule.isActive(at: monday - hour))
        #expect(try !schedule.isActive(at: monday))
        #expect(try !schedule.isActive(at: monday + day))
        #expect(try !schedule.isActive(at: monday + 2 * day))
    }

    @Test func `a schedule of an unknown zone cannot be followed`() throws {
        let schedule = try schedule(#"{"type":"CUSTOM","timezone":"Mars/Base","items":[]}"#)
        #expect(throws: AlarmRuleError("Unknown time zone: Mars/Base")) { try schedule.isActive(at: 0) }
    }

    @Test(arguments: ["5", #"{"type":"NEVER"}"#, #"{"startsOn":5}"#])
    func `what is no schedule is told`(text: String) {
        #expect(throws: AlarmRuleError.self) { try schedule(text) }
    }
}
