import Model
import Testing

@Suite struct UUID128Tests {
    @Test func textRoundTrips() throws {
        let id = try #require(UUID128("784f394c-42b6-435a-983c-b7beff2784f9"))
        #expect(id.high == 0x784f_394c_42b6_435a)
        #expect(id.text == "784f394c-42b6-435a-983c-b7beff2784f9")
        #expect(UUID128.null.text == "13814000-1dd2-11b2-8080-808080808080")
    }

    @Test(arguments: [
        "", "784f394c", "784f394c-42b6-435a-983c-b7beff2784f", "784f394c-42b6-435a-983c-b7beff2784f9a",
        "784f394c42b6435a983cb7beff2784f9aaaa", "784f394c-42b6-435a-983c-b7beff2784g9",
        "784f394-c42b6-435a-983c-b7beff2784f9",
    ])
    func malformedTextIsRefused(_ text: String) {
        #expect(UUID128(text) == nil)
    }

    @Test func randomIsVersionFour() {
        let id = UUID128.random()
        #expect(id.high >> 12 & 0xF == 4)
        #expect(id.low >> 62 == 2)
    }
}

@Suite struct EntityTypeTests {
    @Test(arguments: EntityType.allCases)
    func nameRoundTrips(_ type: EntityType) {
        #expect(EntityType(name: type.name) == type)
    }

    @Test func normalNamesAreThoseOfMessages() {
        #expect(EntityType.deviceProfile.normalName == "Device profile")
        #expect(EntityType.entityView.normalName == "Entity View")
        #expect(EntityType.ruleChain.normalName == "Rule chain")
    }
}
