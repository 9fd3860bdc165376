using Konstruct.Tests.Harness;
using Konstruct.Tests.Telemetry;
using Xunit;

namespace Konstruct.Tests.Celery;

/// <summary>A Celery pipeline whose gateways export to the tests.</summary>
public sealed class TracedCeleryPipeline(DatabaseFactory databases) : CeleryPipeline(databases)
{
    internal OtlpReceiver Receiver { get; private set; } = null!;

    private protected override Dictionary<string, string> Settings => new(base.Settings.Concat(Receiver.Settings));

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await Receiver.DisposeAsync();
    }

    private protected override async Task StartAsync()
    {
        Receiver = await OtlpReceiver.StartAsync();
        await base.StartAsync();
    }
}

/// <summary>One trace from the socket to the task and back. The task gets it as Celery's own instrumentation reads it: in the header.</summary>
public sealed class CeleryTraceTests(TracedCeleryPipeline fixture) : CeleryTestBase(fixture), IClassFixture<TracedCeleryPipeline>
{
    [Fact]
    public async Task A_chat_is_one_trace_from_the_socket_to_the_worker_and_back()
    {
        await using var chat = await OpenAsync(Me, Conversation);
        await chat.SayAsync("Good day");
        (await chat.ReceiveTurnAsync()).AssertWhole(Conversation);
        await AnswersAsync();
        var seen = (await SeenAsync(await TurnOfAsync("completed")))[0];
        var traceparent = seen.GetProperty("request").GetProperty("traceparent").GetString()!;

        var trace = await fixture.Receiver.TraceAsync(
            spans => new[] { "chat.turn", "turn.dispatch", "turn.finalize" }.All(name => spans.Any(span => span.Name == name)),
            span => span.Name == "chat.turn" && span["konstruct.conversation.id"] == $"{Conversation}",
            $"the trace of {Conversation}"
        );
        TestContext.Current.TestOutputHelper?.WriteLine(SpanTree.Print(trace));
        var dispatch = Assert.Single(trace, span => span.Name == "turn.dispatch");
        Assert.Equal($"00-{dispatch.TraceId}-{dispatch.SpanId}-01", traceparent);
        Assert.Contains("Konstruct.Gateway: turn.dispatch > redis publish Client", SpanTree.Edges(trace));
        Assert.All(
            trace.Where(span => span.Name is "turn.dispatch" or "turn.finalize" or "turn.persist"),
            span => Assert.Equal(trace.Single(root => root.Name == "chat.turn").TraceId, span.TraceId)
        );
        Assert.DoesNotContain(trace, span => span.IsError);
    }
}
