/// Why a program or a call did not end well.
public enum JavaScriptError: Error, Equatable {
    /// The text is no program.
    case syntax(String)
    /// What was thrown, with its line where it has one.
    case thrown(String)
    /// The time limit was reached.
    case timeLimit
    /// The program defines no function of that name.
    case noFunction(String)
}
