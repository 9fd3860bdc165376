using Konstruct.Contracts.Redis;
using Konstruct.Tests.Harness;
using Konstruct.Tests.ProtocolV1;
using Xunit;

namespace Konstruct.Tests.ProtocolV2;

/// <summary>
/// Where unknown conversations are created by their first message, anybody may wait at one. A stranger who did could cancel what its user said in it, by guessing
/// the message's id.
/// </summary>
[Collection<Sharing<UsualPipeline<OnGarnet>>>]
public sealed class StrangerTests(UsualPipeline<OnGarnet> fixture) : PipelineTests(fixture)
{
    private readonly Person _person = Person.New();
    private readonly Guid _conversation = Guid.NewGuid();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_strangers_cancel_is_not_remembered_for_a_message_that_is_not_his(bool isOfSameTenant)
    {
        await using var stranger = await ComeAsync(isOfSameTenant);
        await CancelAsync(stranger);
        var (chat, _) = await RawChat.OpenV2Async(Gateway, _person, _conversation);
        await chat.SayAsync("/burst 3", "m");

        Assert.Equal("completed", (await chat.ReadToAsync("done"))[^1].Reason);
        await chat.DisposeAsync();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_strangers_cancel_does_not_end_a_turn_that_is_not_his(bool isOfSameTenant)
    {
        await using var stranger = await ComeAsync(isOfSameTenant);
        var (chat, _) = await RawChat.OpenV2Async(Gateway, _person, _conversation);
        await chat.SayAsync("/stream tokens=100000 rate=20 delay=0", "m");
        var turn = (await chat.ReadToAsync("chunk"))[^1].TurnId!.Value;
        await CancelAsync(stranger);

        Assert.Null((await new TurnLog(Pipeline.Redis.Database.Multiplexer).ReadStateAsync(_conversation, turn)).Outcome);
        await chat.CancelMessageAsync("m"); // Its user's own.
        Assert.Equal("cancelled", (await chat.ReadToAsync("done"))[^1].Reason);
        await chat.DisposeAsync();
    }

    /// <summary>A socket of somebody else at the conversation, which does not exist yet.</summary>
    private async Task<RawChat> ComeAsync(bool isOfSameTenant)
    {
        var other = Person.New();
        return (await RawChat.OpenV2Async(Gateway, isOfSameTenant ? other with { Tenant = _person.Tenant } : other, _conversation)).Chat;
    }

    private static async Task CancelAsync(RawChat stranger)
    {
        await stranger.CancelMessageAsync("m");
        await stranger.SendAsync("{}}"); // Frames of a socket are served in order: the answer to this one says that the cancel was.
        Assert.Equal("bad_frame", (await stranger.NextAsync("error")).Code);
    }
}
