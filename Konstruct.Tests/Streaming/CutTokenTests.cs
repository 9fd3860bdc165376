using Konstruct.Contracts.Redis;
using Konstruct.OrchestratorStub.Work;
using StackExchange.Redis;
using Xunit;

namespace Konstruct.Tests.Streaming;

/// <summary>A model that cuts its text anywhere. Its chunks, put together, are the answer that <c>done</c> repeats and Postgres stores.</summary>
public sealed class CutTokenTests(GatewayInside gateway) : IClassFixture<GatewayInside>
{
    /// <summary><c>&lt;</c> and <c>&gt;</c> stand for the halves of a surrogate pair and <c>0</c> for NUL, which an attribute cannot hold; <c>|</c> is the cut.</summary>
    [Theory]
    [InlineData("a<|>b", "a🙂b")]
    [InlineData("a|<|>|b", "a🙂b")]
    [InlineData("a<|b", "a\uFFFDb")]
    [InlineData("a|b<", "ab\uFFFD")]
    [InlineData(">a|0", "\uFFFDa\uFFFD")]
    public async Task A_pair_that_is_cut_is_put_together_and_what_is_no_text_is_repaired(string tokens, string answer)
    {
        var (key, turnId) = await gateway.AcceptAsync();
        var attempt = new AttemptKey(key.ConversationId, turnId, 1, RedisChannel.Literal($"{turnId}"));
        using var turn = new RunningTurn(attempt.Entry, turnId);
        await gateway.Log.OpenAsync(attempt, turn.ClaimId);
        var writer = new AnswerWriter(gateway.Log, attempt, turn, 1_000_000, new(gateway.Persistence), TimeProvider.System, span: null);
        foreach (var token in tokens.Replace('<', '\uD83D').Replace('>', '\uDE42').Replace('0', '\0').Split('|'))
        {
            await writer.WriteAsync(token);
        }

        await writer.FlushAsync();

        Assert.Equal(answer, writer.Text);
        Assert.Equal(answer, (await gateway.Log.ReadTextAsync(key.ConversationId, turnId, 1)).Text);
    }
}
