import Testing

@testable import TimeZones

@Suite("Time zones")
struct TimeZoneTests {
    /// Seconds since 1970 of a moment in UTC.
    private func utc(_ year: Int64, _ month: Int, _ day: Int, _ hour: Int64 = 0, _ minute: Int64 = 0) -> Int64 {
        CivilDate(year: year, month: month, day: day).number * 86_400 + hour * 3_600 + minute * 60
    }

    @Test(arguments: [
        ("", 0), ("UTC", 0), ("Z", 0), ("GMT", 0), ("+02:00", 7_200), ("-05:30", -19_800), ("UTC+3", 10_800),
        ("GMT-0430", -16_200), ("+01", 3_600), ("Etc/GMT+5", -18_000),
    ])
    func `a name may state an offset`(name: String, offset: Int) throws {
        #expect(try TimeZone(name).offset(at: 1_700_000_000) == offset)
    }

    @Test(arguments: [
        "Europe/Atlantis", "../../../etc/passwd", "/etc/localtime", "+99:00", "+1:2", "Europe", "zone.tab",
        "Europe//Berlin",
    ])
    func `what is no zone is told`(name: String) {
        #expect(throws: TimeZoneError(name: name)) { try TimeZone(name) }
    }

    @Test func `summer time of the past, of now and of a far future`() throws {
        let berlin = try TimeZone("Europe/Berlin")
        #expect(berlin.offset(at: utc(1995, 7, 1)) == 7_200)
        #expect(berlin.offset(at: utc(2024, 3, 31, 0, 59)) == 3_600)
        #expect(berlin.offset(at: utc(2024, 3, 31, 1, 0)) == 7_200)
        #expect(berlin.offset(at: utc(2024, 10, 27, 0, 59)) == 7_200)
        #expect(berlin.offset(at: utc(2024, 10, 27, 1, 0)) == 3_600)
        #expect(berlin.offset(at: utc(2099, 7, 1)) == 7_200)
        #expect(berlin.offset(at: utc(2099, 1, 1)) == 3_600)
        #expect(berlin.offset(at: utc(1800, 1, 1)) == 3_208)
    }

    @Test func `summer of the southern hemisphere goes over the new year`() throws {
        let sydney = try TimeZone("Australia/Sydney")
        #expect(sydney.offset(at: utc(2060, 1, 1)) == 39_600)
        #expect(sydney.offset(at: utc(2060, 7, 1)) == 36_000)
    }

    @Test func `a day begins where its clocks begin`() throws {
        let berlin = try TimeZone("Europe/Berlin")
        // Sunday, 23 hours long: 12:00 on clocks is 11 hours after it began.
        let noon = berlin.local(utc(2024, 3, 31, 10) * 1_000 + 7)
        #expect(noon == TimeZone.Local(weekday: 7, millisecondsOfDay: 11 * 3_600_000 + 7))
        #expect(berlin.local(utc(2024, 4, 1, 21, 59) * 1_000).weekday == 1)
        #expect(berlin.local(utc(2024, 4, 1, 22) * 1_000) == TimeZone.Local(weekday: 2, millisecondsOfDay: 0))
    }

    @Test func `a day without midnight begins when clocks go forward`() throws {
        // At 00:00 clocks show 01:00.
        let havana = try TimeZone("America/Havana")
        #expect(havana.local(utc(2024, 3, 10, 5) * 1_000) == TimeZone.Local(weekday: 7, millisecondsOfDay: 0))
        #expect(havana.local(utc(2024, 3, 10, 6) * 1_000).millisecondsOfDay == 3_600_000)
        // At 01:00 clocks show 00:00: the first midnight counts.
        #expect(havana.local(utc(2024, 11, 3, 5, 30) * 1_000).millisecondsOfDay == 5_400_000)
    }

    @Test func `days far from UTC`() throws {
        #expect(try TimeZone("Pacific/Kiritimati").local(utc(2024, 1, 1, 10) * 1_000).millisecondsOfDay == 0)
        #expect(try TimeZone("Pacific/Pago_Pago").local(utc(2024, 1, 1, 11) * 1_000).millisecondsOfDay == 0)
        #expect(try TimeZone("UTC").local(-1) == TimeZone.Local(weekday: 3, millisecondsOfDay: 86_399_999))
    }

    @Test(arguments: [
        ("<-03>3", -10_800), ("<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", 39_600), ("EST5EDT,J60/0,J300", -18_000),
        ("IST-2IDT,M3.4.4/26,M10.5.0", 7_200), ("AAA4BBB,0/0,J365/25", -10_800),
    ])
    func `rules of POSIX`(text: String, january: Int) throws {
        let rule = try #require(TimeZoneRule(text.utf8))
        #expect(rule.offset(at: utc(2050, 1, 15)) == january)
    }

    @Test(arguments: ["", "5", "CET", "CET-1CEST", "CET-1CEST,M13.1.0,M1.1.0", "CET-1CEST,M3.5.0", "CET-1x", "<CET-1"])
    func `what is no rule of POSIX`(text: String) {
        #expect(TimeZoneRule(text.utf8) == nil)
    }

    @Test func `a file that is cut is no zone`() throws {
        #expect(TimeZoneFile([]) == nil)
        #expect(TimeZoneFile(Array("TZif2".utf8)) == nil)
        var header = Array("TZif2".utf8) + [UInt8](repeating: 0, count: 39)
        header += header
        #expect(TimeZoneFile(header) == nil)
        header[44 + 33] = 255
        #expect(TimeZoneFile(header) == nil)
    }
}
