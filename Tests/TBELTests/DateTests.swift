import Testing

/// `rule-engine.md` 6.4: dates, whose months and days of the week start at 1.
struct DateTests {
    @Test(arguments: [
        Row("new Date(0).toISOString()", "\"1970-01-01T00:00:00Z\""),
        Row("new Date(1693962245345).toISOString()", "\"2023-09-06T01:04:05.345Z\""),
        Row("new Date().getTime()", "1693962245345"), Row("Date.now()", "1693962245345"),
        Row("new Date(\"2023-09-06T01:04:05.345Z\").getTime()", "1693962245345"),
        Row("new Date(\"2023-09-06T03:04:05.345+02:00\").getTime()", "1693962245345"),
        Row("new Date(\"2023-09-06\").toISOString()", "\"2023-09-06T00:00:00Z\""),
        Row("new Date(\"2023-09-06 01:04\").toISOString()", "\"2023-09-06T01:04:00Z\""),
        Row("new Date(\"Tue, 3 Jun 2008 11:05:30 GMT\").toISOString()", "\"2008-06-03T11:05:30Z\""),
        Row("new Date(\"Tue, 3 Jun 2008 11:05:30 +0200\").toISOString()", "\"2008-06-03T09:05:30Z\""),
        Row("new Date(\"soon\")", "! Cannot parse value [soon] as instant"),
        Row("new Date(2023, 8, 18).toISOString()", "\"2023-08-18T00:00:00Z\""),
        Row("new Date(2023, 8, 18, 17, 34, 15, 120).toISOString()", "\"2023-08-18T17:34:15.120Z\""),
        Row("new Date(2023, 8, 18, 17, 34, \"+02:00\").toISOString()", "\"2023-08-18T15:34:00Z\""),
        Row("new Date(2023, 13, 1)", "! Invalid value for MonthOfYear (valid values 1 - 12): 13"),
        Row("new Date(2023, 2, 29)", "! Invalid date 'FEBRUARY 29'"), Row("new Date(69, 1, 1).getFullYear()", "2069"),
        Row("new Date(70, 1, 1).getFullYear()", "1970"),
        Row("Date.UTC(2024, 2, 29, 12, 30, 45, 6)", "1709209845006"),
        Row("Date.parse(\"2023-09-06T01:04:05Z\")", "1693962245000"), Row("Date.parse(\"x\")", "-1"),
        Row("new Date(1693962245345).getMonth()", "9"), Row("new Date(1693962245345).getDate()", "6"),
        Row("new Date(1693962245345).getDay()", "3"), Row("new Date(1693962245345).getUTCHours()", "1"),
        Row("new Date(1693962245345).minutes", "4"), Row("new Date(1693962245345).time", "1693962245345"),
        Row("new Date(-1).getMilliseconds()", "999"), Row("new Date(-1).toISOString()", "\"1969-12-31T23:59:59.999Z\""),
        Row(
            "new Date(1693962245345).toString()",
            "\"Wednesday, September 6, 2023 at 1:04:05 AM Coordinated Universal Time\""),
        Row("new Date(0)", "\"Thursday, January 1, 1970 at 12:00:00 AM Coordinated Universal Time\""),
        Row("new Date(0) < new Date(1)", "true"), Row("new Date(5) == new Date(5)", "true"),
        Row("new Date(1693962245345).parseSecond()", "1693962245"),
    ])
    func moments(_ row: Row) { #expect(run(row.script) == row.result) }

    @Test(arguments: [
        Row("d.setFullYear(2020)", "\"2020-01-31T10:20:30.400Z\""),
        Row("d.setMonth(2)", "\"2023-03-03T10:20:30.400Z\""), Row("d.setMonth(2, 5)", "\"2023-02-05T10:20:30.400Z\""),
        Row("d.setDate(1)", "\"2023-01-01T10:20:30.400Z\""),
        Row("d.setHours(0, 1, 2, 3)", "\"2023-01-31T00:01:02.003Z\""),
        Row("d.setMinutes(59)", "\"2023-01-31T10:59:30.400Z\""),
        Row("d.setSeconds(0, 0)", "\"2023-01-31T10:20:00Z\""),
        Row("d.setMilliseconds(7)", "\"2023-01-31T10:20:30.007Z\""), Row("d.setTime(0)", "\"1970-01-01T00:00:00Z\""),
        Row("d.addMonths(1)", "\"2023-02-28T10:20:30.400Z\""), Row("d.addYears(1)", "\"2024-01-31T10:20:30.400Z\""),
        Row("d.addDays(-31)", "\"2022-12-31T10:20:30.400Z\""), Row("d.addWeeks(1)", "\"2023-02-07T10:20:30.400Z\""),
        Row("d.addHours(14)", "\"2023-02-01T00:20:30.400Z\""), Row("d.addMinutes(1)", "\"2023-01-31T10:21:30.400Z\""),
        Row("d.addSeconds(1)", "\"2023-01-31T10:20:31.400Z\""),
        Row("d.addNanos(1000000)", "\"2023-01-31T10:20:30.401Z\""),
        Row("d.setHours(24)", "! Invalid value for HourOfDay (valid values 0 - 23): 24"),
    ])
    func movedMoments(_ row: Row) {
        #expect(run("var d = new Date(2023, 1, 31, 10, 20, 30, 400); \(row.script); d.toISOString()") == row.result)
    }

    @Test func everyDayOfFourCenturiesIsItself() {
        // Days from 1970 to 2370, counted.
        let script = """
            var d = new Date(0); var wrong = 0; var last = 3;
            for (var i = 0; i < 2000; i++) { d.addDays(73); if (Date.UTC(d.getFullYear(), d.getMonth(), d.getDate()) != d.getTime()) wrong++; }
            wrong
            """
        #expect(run(script) == "0")
    }
}
