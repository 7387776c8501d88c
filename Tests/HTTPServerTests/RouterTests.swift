import HTTPServer
import Testing

@Suite struct RouterTests {
    @Test func handlersGetRequestAndParameters() async {
        var router = Router<Void>()
        router.on(.post, "/device/{id}") { request, parameters in
            .text("\(parameters["id"]) \(request.query.first("q") ?? "-") \(request.body.count)")
        }
        let answer = await router.answer(to: HTTPRequest(.post, "/device/7?q=x", body: [1, 2]))
        #expect(answer.body == [UInt8]("7 x 2".utf8))
    }

    @Test func aKnownPathWithAnotherMethodIsAnswered405WithAllow() async {
        var router = Router<Void>()
        router.on(.get, "/a") { _, _ in .empty(200) }
        let answer = await router.answer(to: HTTPRequest(.post, "/a"))
        #expect(answer.status == 405)
        #expect(answer.field("allow") == "GET, HEAD")
        #expect(await router.answer(to: HTTPRequest(.get, "/b")).status == 404)
    }

    @Test func notFoundAndMethodNotAllowedCanBeReplaced() async {
        var router = Router<Void>()
        router.on(.get, "/a") { _, _ in .empty(200) }
        router.notFound = { request, _ in .text("no " + request.path, status: 404) }
        router.methodNotAllowed = { request, _ in .text("not " + request.method.name, status: 405) }
        #expect(await router.answer(to: HTTPRequest(.get, "/b")).body == [UInt8]("no /b".utf8))
        #expect(await router.answer(to: HTTPRequest(.put, "/a")).body == [UInt8]("not PUT".utf8))
    }

    @Test func whoIsRefusedDoesNotLearnWhatExists() async {
        var router = Router<String> { request, resolution in
            if case .matched(let pattern) = resolution, pattern == "/open" { return .admitted("anybody") }
            return request.fields["X-Token"].map { .admitted($0) } ?? .refused(.empty(401))
        }
        router.on(.get, "/open") { _, _, who in .text(who) }
        router.on(.get, "/closed") { _, _, who in .text(who) }
        #expect(await router.answer(to: HTTPRequest(.get, "/open")).body == [UInt8]("anybody".utf8))
        #expect(await router.answer(to: HTTPRequest(.get, "/closed")).status == 401)
        #expect(await router.answer(to: HTTPRequest(.get, "/nowhere")).status == 401)
        let token = [("x-token", "me")]
        #expect(await router.answer(to: HTTPRequest(.get, "/closed", fields: token)).body == [UInt8]("me".utf8))
        #expect(await router.answer(to: HTTPRequest(.get, "/nowhere", fields: token)).status == 404)
    }

    @Test func optionsOfAKnownPathNeedNoAdmission() async {
        var router = Router<String> { _, _ in .refused(.empty(401)) }
        router.on(.get, "/a") { _, _, _ in .empty(200) }
        let answer = await router.answer(to: HTTPRequest(.options, "/a"))
        #expect(answer.status == 200)
        #expect(answer.field("Allow") == "GET, HEAD, OPTIONS")
    }

    @Test func aReplyIsSentOnceAndAfterTheHandler() async {
        var router = Router<Void>()
        router.on(.get, "/a") { _, _ in .empty(204) }
        let status = await withCheckedContinuation { continuation in
            let reply = HTTPReply { continuation.resume(returning: $0.status) }
            router.respond(to: HTTPRequest(.get, "/a"), with: reply)
            reply.respond(.empty(500))
        }
        #expect(status == 204)
    }
}
