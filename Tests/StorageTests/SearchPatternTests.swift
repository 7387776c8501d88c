import Testing

@testable import Storage

@Suite struct SearchPatternTests {
    @Test(
        arguments: [
            ("abc", ["abc"], true), ("a b", ["a b"], true), ("a%b", ["a", "b"], false), ("_", [], false),
            ("%%", [], false), ("a\\%b", ["a%b"], false), ("a\\", ["a%"], false), ("a\nb", ["a\nb"], false),
        ] as [(String, [String], Bool)])
    func partsStandBetweenPlaceholders(_ text: String, _ parts: [String], _ isPlain: Bool) {
        let pattern = SearchPattern(text)
        #expect(pattern.parts == parts)
        #expect(pattern.isPlain == isPlain)
    }

    @Test func nulIsLeftOut() { #expect(SearchPattern("a\0b") == SearchPattern("ab")) }

    private func survey(_ listed: Int64, size: Int64 = 1500, matches: Int64, before: Int64 = 0) -> SearchSurvey {
        SearchSurvey(listed: listed, size: size, matches: matches, before: before)
    }

    @Test func theRarestKeysAreTaken() {
        var survey = survey(1_000_000, matches: 1)
        survey.keys = [(1, 500), (2, 3), (3, 70), (4, 80), (5, 0)]
        #expect(survey.rarestKeys == [5, 2, 3])
        survey.keys = [(1, 500), (2, 480)]
        #expect(survey.rarestKeys == [2])
        survey.keys = []
        #expect(survey.rarestKeys == [])
    }

    @Test func frequentTextsAreWalkedToAndRareOnesGathered() {
        #expect(!survey(1_000_000, matches: 150, before: 3).isGatheringCheaper(upTo: 20, in: .index))
        #expect(survey(1_000_000, matches: 0).isGatheringCheaper(upTo: 20, in: .index))
        #expect(survey(1_000_000, matches: 15, before: 1400).isGatheringCheaper(upTo: 20, in: .index))
        // Far pages of a text that is neither.
        #expect(survey(1_000_000, matches: 15, before: 90).isGatheringCheaper(upTo: 4000, in: .table))
        #expect(survey(1_000_000, matches: 150, before: 3).isGatheringCheaper(upTo: 20, in: .sorting))
    }

    @Test func theSampleTellsHowManyThereAre() {
        #expect(survey(30_000, size: 300, matches: 30).estimate == 3000)
        #expect(SearchSurvey(listed: 30_000).estimate == 0)
    }
}
