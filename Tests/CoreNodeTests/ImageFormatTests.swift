import Testing

@testable import CoreNode

@Suite struct ImageFormatTests {
    private static let png: [UInt8] =
        [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52, 0, 0, 1, 2, 0, 0, 0, 3]
    private static let jpeg: [UInt8] =
        [0xFF, 0xD8, 0xFF, 0xE0, 0, 4, 1, 2, 0xFF, 0xC0, 0, 11, 8, 0, 5, 0, 7, 3, 1, 1, 1, 1]

    @Test func formatsAreKnownByTheirFirstBytes() {
        let png = ImageFormat(Self.png)
        #expect(png?.mediaType == "image/png" && png?.width == 258 && png?.height == 3)
        let gif = ImageFormat(Array("GIF89a".utf8) + [4, 1, 9, 0])
        #expect(gif?.mediaType == "image/gif" && gif?.width == 260 && gif?.height == 9)
        let jpeg = ImageFormat(Self.jpeg)
        #expect(jpeg?.mediaType == "image/jpeg" && jpeg?.width == 7 && jpeg?.height == 5)
        let webp = ImageFormat(
            Array("RIFF".utf8) + [0, 0, 0, 0] + Array("WEBPVP8X".utf8) + [10, 0, 0, 0, 0, 0, 0, 0, 99, 0, 0, 49, 0, 0])
        #expect(webp?.mediaType == "image/webp" && webp?.width == 100 && webp?.height == 50)
    }

    @Test(arguments: [
        "<svg/>", "<svg xmlns='http://www.w3.org/2000/svg'></svg>",
        "\u{FEFF}<?xml version=\"1.0\"?>\n<!-- a drawing -->\n<!DOCTYPE svg>\n<svg></svg>",
    ])
    func drawingsAreKnownByTheirRoot(_ text: String) {
        #expect(ImageFormat(Array(text.utf8))?.mediaType == "image/svg+xml")
    }

    @Test(arguments: [
        "", "hello", "<html><svg/></html>", "<svgx/>", "<!-- <svg/>", "<?xml", "GIF88a", "MZ\0\0", "<script>1</script>",
    ])
    func whatIsNoImageIsNone(_ text: String) { #expect(ImageFormat(Array(text.utf8)) == nil) }

    @Test func everyPrefixIsReadOrRefused() {
        for image in [Self.png, Self.jpeg, Array("RIFF....WEBPVP8L".utf8)] {
            for length in 0...image.count { _ = ImageFormat(Array(image[..<length])) }
        }
    }
}
