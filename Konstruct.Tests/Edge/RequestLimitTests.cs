using System.Globalization;
using Konstruct.Gateway.Protocol;
using Konstruct.Tests.Conversations;
using Konstruct.Tests.Harness;
using Konstruct.Tests.ProtocolV1;
using Xunit;

namespace Konstruct.Tests.Edge;

/// <summary>What a user asks besides messages is bounded too: each of these makes the gateway ask Postgres or Redis.</summary>
[Collection<Sharing<UsualPipeline<OnGarnet>>>]
public sealed class RequestLimitTests(UsualPipeline<OnGarnet> fixture) : PipelineTests(fixture)
{
    private const int Burst = 4;

    private readonly Person _person = Person.New();

    [Theory]
    [InlineData("cancel")]
    [InlineData("resume")]
    public async Task Frames_of_a_user_beyond_the_burst_are_refused_with_the_time_to_wait_and_the_socket_stays(string type)
    {
        var gateway = await StartAsync();
        var (chat, _) = await RawChat.OpenV2Async(gateway, _person, Guid.NewGuid());
        var turn = Guid.NewGuid();
        for (var i = 0; i < Burst; i++)
        {
            Assert.Equal(WireError.TurnNotFound.Code, (await AskAsync(chat)).Code);
        }

        var refused = await AskAsync(chat);
        Assert.Equal((WireError.TooManyRequests.Code, turn), (refused.Code, refused.TurnId));
        Assert.True(refused.Json.GetProperty("retryable").GetBoolean());
        Assert.InRange(refused.Json.GetProperty("retry_after_ms").GetInt32(), 1, 60_000);

        // Another socket of the same user is refused as well; another user is not, and messages have a limit of their own.
        var (second, _) = await RawChat.OpenV2Async(gateway, _person, Guid.NewGuid());
        Assert.Equal(WireError.TooManyRequests.Code, (await AskAsync(second)).Code);
        var (bystander, _) = await RawChat.OpenV2Async(gateway, _person with { User = Guid.NewGuid() }, Guid.NewGuid());
        Assert.Equal(WireError.TurnNotFound.Code, (await AskAsync(bystander)).Code);
        await chat.SayAsync("/burst 1", "m");
        Assert.Equal("completed", (await chat.ReadToAsync("done"))[^1].Reason);
        foreach (var open in new[] { chat, second, bystander })
        {
            await open.DisposeAsync();
        }

        async Task<FrameV2> AskAsync(RawChat socket)
        {
            await socket.SendAsync($$"""{"type":"{{type}}","turnId":"{{turn}}"}""");
            return await socket.NextAsync("error");
        }
    }

    [Fact]
    public async Task Cancels_by_message_id_are_remembered_no_more_than_a_user_may_ask()
    {
        var gateway = await StartAsync();
        var (chat, _) = await RawChat.OpenV2Async(gateway, _person, Guid.NewGuid());
        for (var i = 0; i < 50; i++)
        {
            await chat.CancelMessageAsync($"m{i}");
        }

        for (var i = 0; i < 50 - Burst; i++)
        {
            var refused = await chat.NextAsync("error");
            Assert.Equal((WireError.TooManyRequests.Code, $"m{Burst + i}"), (refused.Code, refused.MessageId));
        }

        Assert.Equal(Burst, (await Pipeline.Redis.ValuesAsync($"*cancelled:{_person.Tenant}:{_person.User}:*")).Count);
        await chat.DisposeAsync();
    }

    [Fact]
    public async Task Calls_of_the_API_are_answered_with_429_and_Retry_After()
    {
        var gateway = await StartAsync();
        var api = new ApiClient(gateway, _person);
        for (var i = 0; i < Burst; i++)
        {
            (await api.GetAsync("")).Expect(200);
        }

        var refused = await api.GetAsync($"/{Guid.NewGuid()}");

        Assert.Equal(WireError.TooManyRequests.Message, refused.ExpectProblem(429));
        Assert.InRange(int.Parse(refused.Headers["Retry-After"], CultureInfo.InvariantCulture), 1, 60);
        (await new ApiClient(gateway, _person with { User = Guid.NewGuid() }).GetAsync("")).Expect(200);
    }

    private Task<ServiceProcess> StartAsync() =>
        Pipeline.StartGatewayAsync(new Dictionary<string, string> { ["Edge__RequestsPerMinute"] = "1", ["Edge__RequestBurst"] = $"{Burst}" });
}
