using Konstruct.Tests.Harness;
using Konstruct.Tests.ProtocolV1;
using Xunit;

namespace Konstruct.Tests.ProtocolV2;

/// <summary>Unknown conversations are refused, sockets that do not read are closed, and answers come from an orchestrator of the original kind.</summary>
[Collection<Sharing<StrictPipeline>>]
public sealed class StrictTests(StrictPipeline fixture) : PipelineTests(fixture)
{
    private readonly Person _person = Person.New();
    private readonly Guid _conversation = Guid.NewGuid();

    private LegacyOrchestrator Orchestrator => new(Pipeline, _person, _conversation);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_conversation_that_is_unknown_or_another_users_closes_4003(bool exists)
    {
        if (exists)
        {
            await CreateConversationAsync(Guid.NewGuid());
        }

        await using var chat = await RawChat.ConnectAsync(Gateway, $"{_conversation}", RawChatV2.Subprotocol);
        await chat.SendAsync(_person.Auth);
        Assert.Equal("conversation_not_found", (await chat.NextAsync("error")).Code);
        await chat.ExpectCloseAsync(4003);
    }

    [Fact]
    public async Task A_foreign_payload_has_no_seq_and_resuming_its_turn_is_a_reset()
    {
        await using var chat = await OpenAsync();
        await chat.SayAsync("hello", "m");
        var turn = (await chat.NextAsync("typing")).TurnId!.Value;
        await Orchestrator.TaskAsync();
        await Orchestrator.ChunkAsync("Good ");
        Assert.Equal($$"""{"type":"chunk","text":"Good ","turn_id":"{{turn}}","attempt":1}""", (await chat.NextAsync()).Bytes);

        await using var tab = await OpenAsync();
        await tab.ResumeAsync(turn, 1, 1);
        Assert.Equal(Frames2.Reset(turn, 1), (await tab.NextAsync()).Bytes);
        await Orchestrator.ChunkAsync("day");
        Assert.Equal("day", (await chat.NextAsync("chunk")).Text);
        await Orchestrator.DoneAsync("Good day");
        var done = Frames2.Done("Good day", _conversation, turn, 1, "completed");
        Assert.Equal(done, (await chat.NextAsync("done")).Bytes);
        Assert.Equal(done, (await tab.ReadToAsync("done"))[^1].Bytes);

        await using var late = await OpenAsync();
        await late.ResumeAsync(turn, 1, 1);
        Assert.Equal(done, (await late.NextAsync()).Bytes);
    }

    [Fact]
    public async Task A_socket_that_does_not_read_is_closed_with_4008_and_holds_nobody_up()
    {
        await using var reader = await OpenAsync();
        await using var sleeper = await OpenAsync();
        await reader.SayAsync("hello", "m");
        await reader.NextAsync("typing");
        await Orchestrator.TaskAsync();

        // More than the buffers between the two hold: some MB.
        var text = new string('x', 100_000);
        var slowest = TimeSpan.Zero;
        for (var i = 0; i < 250; i++)
        {
            var began = TimeProvider.System.GetTimestamp();
            await Orchestrator.ChunkAsync(text);
            Assert.Equal(text, (await reader.NextAsync("chunk")).Text);
            slowest = TimeSpan.FromTicks(Math.Max(slowest.Ticks, TimeProvider.System.GetElapsedTime(began).Ticks));
        }

        Assert.InRange(slowest, TimeSpan.Zero, TimeSpan.FromSeconds(4));
        var read = 0;
        while (await sleeper.ReceiveAsync() is not null)
        {
            read++;
        }

        Assert.Equal(4008, sleeper.CloseCode);
        Assert.InRange(read, 1, 249);
        await Orchestrator.DoneAsync("the end");
        await reader.NextAsync("done");
    }

    private async Task<RawChat> OpenAsync()
    {
        await CreateConversationAsync(_person.User);
        return (await RawChat.OpenV2Async(Gateway, _person, _conversation)).Chat;
    }

    private Task CreateConversationAsync(Guid user) =>
        Sql.ExecuteAsync(
            $"""
            INSERT INTO web_conversations (tenant_id, id, user_id, agent_id) VALUES ('{_person.Tenant}', '{_conversation}', '{user}', '')
            ON CONFLICT DO NOTHING
            """
        );
}
