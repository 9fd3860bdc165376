using CliWrap;
using CliWrap.Buffered;
using Konstruct.Tests.Harness;
using Xunit;

namespace Konstruct.Tests.Orchestrator;

/// <summary>What the stub says to a person: whole sentences, and the same ones for the same message.</summary>
public sealed class CannedReplyTests
{
    [Fact]
    public void A_message_without_a_command_gets_whole_sentences()
    {
        for (var words = 1; words <= 60; words++)
        {
            var message = string.Join(' ', Enumerable.Range(0, words).Select(i => $"word{i}"));
            var tokens = Answers.TokensOf(message);

            Assert.InRange(tokens.Count, 15, 40);
            Assert.Equal(words == 1 ? "You wrote one word. " : $"You wrote {words} words. ", string.Concat(tokens.Take(4)));
            Assert.EndsWith(". ", tokens[^1], StringComparison.Ordinal);
            Assert.Equal(tokens, Answers.TokensOf(message));
        }
    }

    [Fact]
    public void Messages_begin_with_different_sentences() =>
        Assert.True(Enumerable.Range(0, 100).Select(i => Answers.Of($"message {i}")).Distinct().Count() > 10);

    [Theory]
    [InlineData("Hello")]
    [InlineData("What happens to a message that I send here? 😀")]
    [InlineData("/stream tokens=20")]
    public async Task The_Python_stub_says_the_same(string message)
    {
        const string script = """
            import sys
            sys.path.insert(0, sys.argv[1])
            from stub_worker import Scenario, tokens_of
            sys.stdout.reconfigure(encoding="utf-8")
            print("".join(tokens_of(sys.argv[2], Scenario.of(sys.argv[2]))), end="")
            """;
        var run = await Cli.Wrap(Requirement.Python.Require())
            .WithArguments(["-c", script, BuiltPrograms.PathTo("clients/python/tests"), message])
            .ExecuteBufferedAsync(TestContext.Current.CancellationToken);

        Assert.Equal(Answers.Of(message), run.StandardOutput);
    }
}
