using Konstruct.OrchestratorStub.Model;

namespace Konstruct.Tests.Harness;

/// <summary>What the stub answers: a function of the message, so that a test knows the text that every client and every row must have.</summary>
internal static class Answers
{
    public static IReadOnlyList<string> TokensOf(string message) =>
        [.. FakeWords.For(message, Scenario.Of(message, new StubOptions()), TimeProvider.System)];

    public static string Of(string message) => string.Concat(TokensOf(message));
}
