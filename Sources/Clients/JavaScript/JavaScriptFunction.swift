internal import CJavaScriptCore

/// A function in a context of its own: nothing that it or the program around it does is seen by another one. There are no
/// host objects; what would let it wait or share memory is taken away. Belongs to the thread of its group.
public final class JavaScriptFunction {
    private let owner: JavaScriptGroup
    private let context: JSGlobalContextRef
    private let function: JSObjectRef

    /// Runs a program, which must define the function.
    public init(_ name: String, program: String, in group: JavaScriptGroup) throws(JavaScriptError) {
        owner = group
        guard let context = JSGlobalContextCreateInGroup(group.group, nil) else {
            preconditionFailure("JavaScriptCore makes no context")
        }
        do throws(JavaScriptError) {
            function = try Self.load(name, program, context, group)
        } catch {
            JSGlobalContextRelease(context)
            throw error
        }
        JSValueProtect(context, function)
        self.context = context
    }

    deinit {
        JSValueUnprotect(context, function)
        JSGlobalContextRelease(context)
    }

    /// What a script has no use for: threads' shared memory and its waits, machine code.
    private static let removed = ["Atomics", "SharedArrayBuffer", "WebAssembly", "console"]

    private static func load(
        _ name: String, _ program: String, _ context: JSGlobalContextRef, _ group: JavaScriptGroup
    ) throws(JavaScriptError) -> JSObjectRef {
        let global = JSContextGetGlobalObject(context)
        for name in removed {
            let key = JavaScriptText.make(name)
            JSObjectDeleteProperty(context, global, key, nil)
            JSStringRelease(key)
        }
        let text = JavaScriptText.make(program)
        defer { JSStringRelease(text) }
        var exception: JSValueRef?
        guard JSCheckScriptSyntax(context, text, nil, 1, &exception) else {
            throw .syntax(describe(exception, context))
        }
        exception = nil
        JSEvaluateScript(context, text, nil, nil, 1, &exception)
        if exception != nil {
            if group.takeTermination() { throw .timeLimit }
            throw .thrown(describe(exception, context))
        }
        let key = JavaScriptText.make(name)
        defer { JSStringRelease(key) }
        guard let value = JSObjectGetProperty(context, global, key, nil), JSValueIsObject(context, value),
            let object = JSValueToObject(context, value, nil), JSObjectIsFunction(context, object)
        else { throw .noFunction(name) }
        return object
    }

    /// Calls the function with texts and appends its result as text; nothing when it is `undefined` or `null`.
    ///
    /// - Parameter arguments: UTF-8, each with a zero byte behind, which does not count.
    /// - Returns: Whether there is a result.
    public func call(
        _ arguments: [UnsafeRawBufferPointer], into bytes: inout [UInt8]
    ) throws(JavaScriptError) -> Bool {
        var exception: JSValueRef?
        let result = withUnsafeTemporaryAllocation(of: JSValueRef?.self, capacity: max(1, arguments.count)) { values in
            for (index, argument) in arguments.enumerated() {
                let text = JavaScriptText.make(argument)
                values.initializeElement(at: index, to: JSValueMakeString(context, text))
                JSStringRelease(text)
            }
            return JSObjectCallAsFunction(
                context, function, nil, arguments.count, values.baseAddress, &exception)
        }
        if exception != nil {
            if owner.takeTermination() { throw .timeLimit }
            throw .thrown(Self.describe(exception, context))
        }
        guard let result, !JSValueIsUndefined(context, result), !JSValueIsNull(context, result) else { return false }
        guard let text = JSValueToStringCopy(context, result, &exception) else {
            if owner.takeTermination() { throw .timeLimit }
            throw .thrown(Self.describe(exception, context))
        }
        JavaScriptText.append(text, to: &bytes)
        JSStringRelease(text)
        return true
    }

    /// Frees what no script of the group refers to any more.
    public func collectGarbage() {
        JSSynchronousGarbageCollectForDebugging(context)
    }

    /// `ReferenceError: Can't find variable: x at line 3`.
    private static func describe(_ exception: JSValueRef?, _ context: JSContextRef) -> String {
        guard let exception, let text = JSValueToStringCopy(context, exception, nil) else { return "unknown error" }
        defer { JSStringRelease(text) }
        let message = JavaScriptText.string(text)
        guard JSValueIsObject(context, exception), let object = JSValueToObject(context, exception, nil) else {
            return message
        }
        let key = JavaScriptText.make("line")
        defer { JSStringRelease(key) }
        guard let line = JSObjectGetProperty(context, object, key, nil), JSValueIsNumber(context, line) else {
            return message
        }
        let number = JSValueToNumber(context, line, nil)
        return number >= 1 && number < 1e9 ? "\(message) at line \(Int(number))" : message
    }
}
