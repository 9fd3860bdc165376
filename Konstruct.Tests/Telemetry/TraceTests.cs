using System.Globalization;
using Konstruct.Tests.Harness;
using Xunit;

namespace Konstruct.Tests.Telemetry;

/// <summary>One trace for each message, whatever happens to it: seen where an operator would see it, at the end of the exporters.</summary>
public abstract class TraceTests(TracedPipeline fixture) : PipelineTests(fixture)
{
    private const string GatewayService = "Konstruct.Gateway";
    private const string WorkerService = "Konstruct.OrchestratorStub";

    private readonly Person _person = Person.New();
    private readonly Guid _conversation = Guid.NewGuid();

    private OtlpReceiver Receiver { get; } = fixture.Receiver;

    [Fact]
    public async Task A_chat_is_one_trace_from_the_socket_to_the_row()
    {
        const string text = "/stream tokens=40 rate=200 delay=50";
        await using var chat = await OpenAsync(_person, _conversation);
        await chat.SayAsync(text);
        (await chat.ReceiveTurnAsync()).AssertWhole(_conversation);

        var trace = await WholeTraceAsync("chat.turn", "turn.process", "turn.finalize", "redis remove");
        var tree = SpanTree.Print(trace);
        TestContext.Current.TestOutputHelper?.WriteLine(tree);
        SpanTree.Keep(tree);

        // Forty tokens, and no span for any of them.
        Assert.Equal(
            new[]
            {
                $"{GatewayService}:  > chat.turn Server",
                $"{GatewayService}: chat.turn > turn.dispatch Producer",
                $"{GatewayService}: chat.turn > turn.finalize Internal",
                $"{GatewayService}: chat.turn > turn.listen Internal",
                $"{GatewayService}: chat.turn > turn.persist Internal",
                $"{GatewayService}: turn.dispatch > redis enqueue Client",
                $"{GatewayService}: turn.finalize > redis remove Client",
                $"{WorkerService}: turn.dispatch > turn.claim Consumer",
                $"{WorkerService}: turn.dispatch > turn.process Consumer",
                $"{WorkerService}: turn.finish > redis answer Client",
                $"{WorkerService}: turn.finish > redis finish Client",
                $"{WorkerService}: turn.process > chat fake-tokens Client",
                $"{WorkerService}: turn.process > redis open Client",
                $"{WorkerService}: turn.process > turn.finish Internal",
            }.Order(StringComparer.Ordinal),
            SpanTree.Edges([.. trace.Where(span => span.Scope != "Npgsql")])
        );
        Assert.Equal(
            ["turn.finalize", "turn.persist"],
            trace.Where(span => span.Scope == "Npgsql").Select(span => trace.Single(parent => parent.SpanId == span.ParentId).Name).Distinct().Order()
        );
        Assert.DoesNotContain(trace, span => span.IsError);
    }

    [Fact]
    public async Task Its_spans_say_which_turn_it_was_how_it_went_and_what_the_model_used()
    {
        const string text = "/stream tokens=7 rate=200 delay=10";
        await using var chat = await OpenAsync(_person, _conversation);
        await chat.SayAsync(text);
        (await chat.ReceiveTurnAsync()).AssertWhole(_conversation);
        var trace = await WholeTraceAsync("chat.turn", "turn.process", "turn.finalize", "chat fake-tokens");

        var root = One(trace, "chat.turn");
        var turnId = root["konstruct.turn.id"];
        Assert.Equal(
            ($"{_person.Tenant}", $"{_conversation}", "1", "completed", "1"),
            (
                root["konstruct.tenant.id"],
                root["konstruct.conversation.id"],
                root["konstruct.protocol.version"],
                root["konstruct.turn.outcome"],
                root["konstruct.turn.attempt"]
            )
        );
        Assert.Equal(["first_chunk"], root.Events);
        foreach (var name in (string[])["turn.dispatch", "turn.claim", "turn.process"])
        {
            var span = One(trace, name);
            Assert.Equal((turnId, "1", "dispatch"), (span["konstruct.turn.id"], span["konstruct.turn.attempt"], span["messaging.destination.name"]));
            Assert.Null(span["messaging.system"]); // The dashboard would not show its name.
        }

        var process = One(trace, "turn.process");
        Assert.Equal(["first_append"], process.Events);
        Assert.Equal("completed", process["konstruct.turn.outcome"]);
        Assert.InRange(int.Parse(process["konstruct.append.calls"]!, CultureInfo.InvariantCulture), 1, 7);

        var model = One(trace, "chat fake-tokens");
        Assert.Equal("Konstruct.GenAI", model.Scope);
        Assert.Equal(
            ("chat", "fake-tokens", "konstruct-fake", "4", "7"),
            (
                model["gen_ai.operation.name"],
                model["gen_ai.request.model"],
                model["gen_ai.provider.name"],
                model["gen_ai.usage.input_tokens"],
                model["gen_ai.usage.output_tokens"]
            )
        );
    }

    [Fact]
    public async Task Both_attempts_of_a_killed_worker_are_in_the_one_trace()
    {
        var (chat, _) = await RawChat.OpenV2Async(Gateway, _person, _conversation);
        await using var _ = chat;
        await chat.SayAsync("/stream tokens=20 rate=10", "m1");
        var turnId = (await chat.ReadToAsync("chunk"))[^1].TurnId;

        // What a process has not exported dies with it.
        await Until.TrueAsync(
            () => Task.FromResult(Receiver.Spans.Any(span => span.Name == "turn.claim" && span["konstruct.turn.id"] == $"{turnId}")),
            TimeSpan.FromSeconds(30)
        );
        await Pipeline.ReplaceWorkerAsync();
        Assert.Equal("completed", (await chat.ReadToAsync("done", TimeSpan.FromSeconds(45)))[^1].Reason);

        var trace = await WholeTraceAsync("chat.turn", "turn.process", "turn.finalize");
        Assert.Equal(["1", "2"], Attempts(trace, "turn.dispatch"));
        Assert.Equal(["1", "2"], Attempts(trace, "turn.claim"));
        Assert.Equal(["2"], Attempts(trace, "turn.process"));
        var root = One(trace, "chat.turn");
        Assert.All(trace.Where(span => span.Name == "turn.dispatch"), dispatch => Assert.Equal(root.SpanId, dispatch.ParentId));
        Assert.Equal(("completed", "2"), (root["konstruct.turn.outcome"], root["konstruct.turn.attempt"]));
        Assert.Equal(["first_chunk", "reset"], root.Events);
        await Until.TrueAsync(() => Task.FromResult(Receiver.LatestMetrics.ContainsKey((GatewayService, "konstruct.redeliveries"))));
    }

    [Fact]
    public async Task A_turn_that_another_gateway_resumes_and_cancels_stays_in_its_trace()
    {
        await using var other = await Pipeline.StartGatewayAsync(new Dictionary<string, string> { ["OTEL_SERVICE_NAME"] = "other" });
        var (first, _) = await RawChat.OpenV2Async(Gateway, _person, _conversation);
        await using var _ = first;
        await first.SayAsync("/stream tokens=1000 rate=10", "m1");
        var turnId = (await first.ReadToAsync("chunk"))[0].TurnId!.Value;
        var (second, ready) = await RawChat.OpenV2Async(other, _person, _conversation);
        await using var __ = second;
        Assert.Contains(ready.Active, active => active.TurnId == turnId);
        await second.ResumeAsync(turnId, attempt: 1, after: 0);
        await second.ReadToAsync("chunk");
        await second.CancelTurnAsync(turnId);
        Assert.Equal("cancelled", (await second.ReadToAsync("done"))[^1].Reason);

        var trace = await WholeTraceAsync(spans =>
            spans.Any(span => span is { Service: "other", Name: "turn.finalize" }) && HasAll(spans, "chat.turn", "turn.process")
        );
        Assert.Equal(
            ["turn.cancel", "turn.finalize", "turn.replay"],
            trace
                .Where(span => span.Service == "other" && span.Name.StartsWith("turn.", StringComparison.Ordinal))
                .Select(span => span.Name)
                .Distinct()
                .Order()
        ); // Its sweep may have persisted the end, too.
        Assert.Equal("cancelled", One(trace, "chat.turn")["konstruct.turn.outcome"]);
        Assert.Equal("Ended", One(trace, "turn.process")["konstruct.turn.stopped"]);
        Assert.Contains(trace, span => span.Name == "redis end" && span.ParentId == One(trace, "turn.cancel").SpanId);

        // A replay after the end is a trace of its own, which points to the turn's.
        await second.ResumeAsync(turnId, attempt: 1, after: 0);
        await second.ReadToAsync("done");
        await Until.TrueAsync(() =>
            Task.FromResult(
                Receiver.Spans.Any(span =>
                    span is { Service: "other", Name: "turn.replay", ParentId: "" }
                    && span.LinkedTraces.SequenceEqual([trace[0].TraceId])
                    && span.TraceId != trace[0].TraceId
                )
            )
        );
    }

    [Fact]
    public async Task A_repeated_message_points_to_the_turn_that_it_had_begun()
    {
        var (first, _) = await RawChat.OpenV2Async(Gateway, _person, _conversation);
        await using var _ = first;
        await first.SayAsync("/stream tokens=1000 rate=10", "m1");
        var turnId = (await first.ReadToAsync("chunk"))[0].TurnId!.Value;
        var (second, _) = await RawChat.OpenV2Async(Gateway, _person, _conversation);
        await using var __ = second;
        await second.SayAsync("/stream tokens=1000 rate=10", "m1");
        Assert.Equal(turnId, (await second.NextAsync("typing")).TurnId);
        await second.CancelTurnAsync(turnId);
        await second.ReadToAsync("done");

        var roots = await Until.NotNullAsync(
            () =>
                Task.FromResult(
                    Receiver.Spans.Where(span => span.Name == "chat.turn" && span["konstruct.turn.id"] == $"{turnId}").ToList() is { Count: 2 } both
                        ? both
                        : null
                ),
            TimeSpan.FromSeconds(30)
        );
        var repeated = Assert.Single(roots, root => root["konstruct.turn.repeated"] == "true");
        var original = Assert.Single(roots, root => root["konstruct.turn.repeated"] is null);
        Assert.Equal([original.TraceId], repeated.LinkedTraces);
        Assert.NotEqual(original.TraceId, repeated.TraceId);
    }

    [Fact]
    public async Task The_trace_of_a_v2_client_is_continued()
    {
        const string traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
        var (chat, _) = await RawChat.OpenV2Async(Gateway, _person, _conversation);
        await using var _ = chat;
        await chat.SendAsync($$"""{"type":"message","text":"/burst 3","messageId":"m","traceparent":"00-{{traceId}}-00f067aa0ba902b7-01"}""");
        await chat.ReadToAsync("done");

        var trace = await WholeTraceAsync("chat.turn", "turn.process", "turn.finalize");
        var root = One(trace, "chat.turn");
        Assert.Equal((traceId, "00f067aa0ba902b7", "2"), (root.TraceId, root.ParentId, root["konstruct.protocol.version"]));
    }

    [Fact]
    public async Task Sweeps_polls_and_probes_are_no_traces()
    {
        await using var chat = await OpenAsync(_person, _conversation);
        await chat.SayAsync("/burst 1");
        (await chat.ReceiveTurnAsync()).AssertWhole(_conversation);
        await WholeTraceAsync("chat.turn", "turn.process", "turn.finalize"); // Several sweeps and claims have been exported by then, were they spans.

        Assert.All(
            Receiver.Spans.Where(span => span.ParentId.Length == 0),
            root => Assert.Contains(root.Name, (string[])["chat.turn", "turn.replay"])
        );
    }

    private static SeenSpan One(IReadOnlyList<SeenSpan> trace, string name) => Assert.Single(trace, span => span.Name == name);

    private static IEnumerable<string?> Attempts(IReadOnlyList<SeenSpan> trace, string name) =>
        trace.Where(span => span.Name == name).Select(span => span["konstruct.turn.attempt"]).Order(StringComparer.Ordinal);

    private static bool HasAll(IReadOnlyList<SeenSpan> trace, params string[] names) => names.All(name => trace.Any(span => span.Name == name));

    private Task<IReadOnlyList<SeenSpan>> WholeTraceAsync(params string[] names) => WholeTraceAsync(spans => HasAll(spans, names));

    private Task<IReadOnlyList<SeenSpan>> WholeTraceAsync(Func<IReadOnlyList<SeenSpan>, bool> isWhole) =>
        Receiver.TraceAsync(
            isWhole,
            span => span.Name == "chat.turn" && span["konstruct.conversation.id"] == $"{_conversation}",
            $"the trace of {_conversation}"
        );
}

[Collection<Sharing<TracedPipeline<OnGarnet>>>]
public sealed class TracesOnGarnet(TracedPipeline<OnGarnet> fixture) : TraceTests(fixture);

[Collection<Sharing<TracedPipeline<OnRedis>>>]
[Trait("Tier", "Long")]
public sealed class TracesOnRedis(TracedPipeline<OnRedis> fixture) : TraceTests(fixture);
