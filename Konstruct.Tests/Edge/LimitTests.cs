using Konstruct.Gateway.Protocol;
using Konstruct.Tests.Auth;
using Konstruct.Tests.Harness;
using Xunit;

namespace Konstruct.Tests.Edge;

/// <summary>Everything that a client can make grow is bounded, and the bound is told.</summary>
[Collection<Sharing<GuardedPipeline>>]
public sealed class LimitTests(GuardedPipeline fixture) : PipelineTests(fixture)
{
    [Fact]
    public async Task A_user_may_send_so_many_messages_over_all_replicas_and_is_told_when_there_will_be_one_more()
    {
        var other = await Pipeline.StartGatewayAsync();
        var person = Person.New();
        await using var here = await OpenV2Async(Gateway, person);
        await using var there = await OpenV2Async(other, person);
        for (var i = 0; i < GuardedPipeline.MessageBurst; i++)
        {
            var chat = i % 2 == 0 ? here : there;
            await chat.SayAsync("/burst 1");
            await chat.ReadToAsync("done");
        }

        foreach (var chat in new[] { here, there })
        {
            await chat.SayAsync("/burst 1", "m");
            var refused = await chat.NextAsync("error");
            Assert.Equal(WireError.TooManyMessages.Code, refused.Code);
            Assert.Equal("m", refused.MessageId);
            Assert.True(refused.Json.GetProperty("retryable").GetBoolean());
            Assert.InRange(refused.Json.GetProperty("retry_after_ms").GetInt32(), 1, 60_000);
        }

        Assert.Equal(2 * GuardedPipeline.MessageBurst, await Sql.MessageCountAsync(person.Tenant));
        await using var bystander = await OpenV2Async(Gateway, person with { User = Guid.NewGuid() });
        await bystander.SayAsync("/burst 1");
        await bystander.ReadToAsync("done");
    }

    [Fact]
    public async Task A_user_may_have_so_many_sockets_and_a_closed_one_makes_room()
    {
        var person = Person.New();
        var open = new List<RawChat>();
        for (var i = 0; i < GuardedPipeline.MaxSocketsPerUser; i++)
        {
            open.Add(await OpenV2Async(Gateway, person));
        }

        await using var refused = await RawChat.ConnectAsync(Gateway, $"{Guid.NewGuid()}", RawChatV2.Subprotocol);
        await refused.SendAsync(Tokens.Frame(Tokens.For(person)));
        Assert.Equal(WireError.TooManySockets.Code, (await refused.NextAsync("error")).Code);
        await refused.ExpectCloseAsync(CloseCodes.TooManySockets);

        await using var bystander = await OpenV2Async(Gateway, Person.New());
        await open[0].CloseAsync();
        await open[0].ExpectCloseAsync(CloseCodes.Normal);
        await Until.TrueAsync(async () =>
        {
            await using var again = await RawChat.ConnectAsync(Gateway, $"{Guid.NewGuid()}", RawChatV2.Subprotocol);
            await again.SendAsync(Tokens.Frame(Tokens.For(person)));
            return (await again.NextAsync()).Type == "ready";
        });
        foreach (var chat in open)
        {
            await chat.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_gateway_has_so_many_sockets_in_all_authenticated_or_not()
    {
        var gateway = await Pipeline.StartGatewayAsync(new Dictionary<string, string> { ["Edge__MaxSockets"] = "2" });
        await using var silent = await RawChat.ConnectAsync(gateway, $"{Guid.NewGuid()}");
        await using var served = await OpenV2Async(gateway, Person.New());
        await using var refused = await RawChat.ConnectAsync(gateway, $"{Guid.NewGuid()}");

        Assert.Equal(WireError.TooManySockets.Message, await refused.ExpectErrorAsync());
        await refused.ExpectCloseAsync(CloseCodes.TooManySockets);
        Assert.Equal(200, await gateway.StatusAsync("/health"));
    }

    [Fact]
    public async Task A_text_that_is_too_long_is_refused_and_the_socket_stays()
    {
        var person = Person.New();
        await using var chat = await OpenV2Async(Gateway, person);
        await chat.SayAsync(new string('x', GuardedPipeline.MaxTextLength + 1), "m");

        Assert.Equal((WireError.TextTooLong.Code, "m"), await chat.NextAsync("error") is var refused ? (refused.Code, refused.MessageId) : default);
        await chat.SayAsync("/burst 1" + new string(' ', GuardedPipeline.MaxTextLength - 8));
        await chat.ReadToAsync("done");
        Assert.Equal(2, await Sql.MessageCountAsync(person.Tenant));
    }

    private static async Task<RawChat> OpenV2Async(ServiceProcess gateway, Person person)
    {
        var chat = await RawChat.ConnectAsync(gateway, $"{Guid.NewGuid()}", RawChatV2.Subprotocol);
        await chat.SendAsync(Tokens.Frame(Tokens.For(person)));
        await chat.NextAsync("ready");
        return chat;
    }
}
