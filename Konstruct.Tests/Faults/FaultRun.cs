using System.Diagnostics;
using Konstruct.Contracts.Redis;
using Konstruct.Tests.Harness;
using Npgsql;
using StackExchange.Redis;

namespace Konstruct.Tests.Faults;

/// <summary>One run of one fault: clients, what they ask, the moment at which it strikes, and the reckoning.</summary>
internal sealed class FaultRun(FaultRig rig) : IAsyncDisposable
{
    /// <summary>A turn that has not ended by then hangs. Far beyond every repair, and below the deadline of a silent turn (180 s).</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private readonly List<Question> _questions = [];
    private readonly List<ResumingClient> _clients = [];
    private long? _struck;

    public FaultRig Rig => rig;

    /// <summary>What clients ask, each with something of its own behind it: two seconds of streaming, unless a fault takes longer.</summary>
    public string Streaming { get; set; } = "/stream tokens=30 rate=15 delay=0";

    /// <summary>Whether a turn may end in another way than completed: the fault is a cancel.</summary>
    public bool MayBeCancelled { get; set; }

    /// <summary>Whether what was not streamed in time may come with the end alone: the fault destroys the log of an answer that is stored.</summary>
    public bool LogMayBeLost { get; set; }

    /// <summary>Whether only the text that came with the end counts: what was streamed is not kept, or comes from two workers.</summary>
    public bool OnlyTheEndCounts { get; set; }

    /// <summary>The turns of all questions.</summary>
    public IEnumerable<(Guid Conversation, Guid Turn)> AskedTurns => _questions.Select(q => (q.Client.Conversation, q.Heard!.TurnId));

    /// <summary>An attached client of a conversation of its own, or of one that others have.</summary>
    /// <param name="like">Another tab of the same person and conversation; null: a new one.</param>
    /// <param name="gateway">Which gateway it prefers.</param>
    /// <param name="leavesAfterEvery">See <see cref="ResumingClient.LeavesAfterEvery"/>.</param>
    /// <param name="balanced">Whether it knows the balancer's address only.</param>
    public async Task<ResumingClient> JoinAsync(ResumingClient? like = null, int gateway = 0, int leavesAfterEvery = 0, bool balanced = false)
    {
        var client = new ResumingClient(
            visit => balanced ? rig.Balancer : rig.Gateways[visit % rig.Gateways.Count].Process,
            like?.Person ?? Person.New(),
            like?.Conversation ?? Guid.NewGuid(),
            gateway
        )
        {
            LeavesAfterEvery = leavesAfterEvery,
        };
        _clients.Add(client);
        client.Start();
        await client.Joined.WaitAsync(Limit);
        return client;
    }

    /// <summary>Several clients, by turns at either gateway, or all at one.</summary>
    public Task<ResumingClient[]> JoinAllAsync(int count, int? at = null) =>
        Task.WhenAll(Enumerable.Range(0, count).Select(i => JoinAsync(gateway: at ?? i)).ToArray());

    /// <summary>Several clients that know the balancer's address only.</summary>
    public Task<ResumingClient[]> JoinAllByBalancerAsync(int count) =>
        Task.WhenAll(Enumerable.Range(0, count).Select(_ => JoinAsync(balanced: true)).ToArray());

    /// <summary>Says something; the answer is reckoned with at the end. Shared: another client says the same with the same id.</summary>
    public Task AskAsync(ResumingClient client, string text, string messageId = "m", bool isShared = false)
    {
        _questions.Add(new(client, text, messageId, Stopwatch.GetTimestamp()));
        return client.SayAsync(text, messageId, isShared);
    }

    /// <summary>Each client a text of its own: an answer that goes astray is seen.</summary>
    public Task AskAllAsync(IEnumerable<ResumingClient> clients, string text, string messageId = "m") =>
        Task.WhenAll(clients.Select((client, i) => AskAsync(client, $"{text} to {i}", messageId)).ToArray());

    /// <summary>Waits until every question's answer has come this far.</summary>
    public Task HeardAsync(int chunks) =>
        Until.TrueAsync(
            () => Task.FromResult(_questions.TrueForAll(q => q.Heard is { } heard && (heard.Seq >= chunks || heard.Done is not null))),
            Limit,
            $"{chunks} chunks"
        );

    /// <summary>Waits until what was heard of every question is so.</summary>
    public Task UntilAsync(Func<HeardTurn, bool> condition) =>
        Until.TrueAsync(() => Task.FromResult(_questions.TrueForAll(q => q.Heard is { } heard && condition(heard))), Limit);

    /// <summary>Waits until this many turns are in the queue.</summary>
    public Task QueuedAsync(int turns) => Until.TrueAsync(async () => await rig.Redis.Database.SortedSetLengthAsync(RedisKeys.Queue) == turns, Limit);

    /// <summary>Waits until this many answers are in the log and not yet in Postgres.</summary>
    public Task AnsweredAsync(int turns) =>
        Until.TrueAsync(async () => await rig.Redis.Database.SortedSetLengthAsync(RedisKeys.Answered) == turns, Limit);

    /// <summary>Waits until every answer is in Postgres, whatever the clients know.</summary>
    public Task StoredAsync() => Until.TrueAsync(async () => await rig.Database.Sql.RunningTurnCountAsync() == 0, Limit);

    /// <summary>Recovery is counted from now.</summary>
    public void Strikes() => _struck ??= Stopwatch.GetTimestamp();

    /// <summary>Waits for the ends, then looks at what the clients have, what Postgres has and what the stores still hold.</summary>
    public async Task<FaultResult> ReckonAsync()
    {
        var reports = new List<string>();
        var hung = await CountHungAsync(reports);
        var recovery = Recovery();
        int lost = 0,
            duplicated = 0;
        foreach (var conversation in _questions.GroupBy(q => q.Client.Conversation))
        {
            var rows = await rig.Database.Sql.MessagesAsync(conversation.Key);
            var asked = conversation.Select(q => q.MessageId).Distinct().Count();
            foreach (var role in new[] { "user", "assistant" })
            {
                var count = rows.Count(row => row.Role == role);
                duplicated += Report(reports, Math.Max(0, count - asked), $"{count} {role} rows for {asked} messages");
                lost += Report(reports, Math.Max(0, asked - count), $"{count} {role} rows for {asked} messages");
            }

            foreach (var question in conversation)
            {
                lost += Report(reports, LossOf(question, rows));
                duplicated += question.Heard is { } heard ? Report(reports, heard.Duplicated.FirstOrDefault()) : 0;
            }
        }

        await DisposeAsync();
        var left = await LeftBehindAsync();
        reports.AddRange(left);
        return new(lost, duplicated, hung, left.Count, recovery, reports);
    }

    /// <summary>All clients leave.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (var client in _clients)
        {
            await client.DisposeAsync();
        }

        _clients.Clear();
    }

    private async Task<int> CountHungAsync(List<string> reports)
    {
        try
        {
            await Until.TrueAsync(() => Task.FromResult(_questions.TrueForAll(q => q.Heard?.Done is not null)), Limit);
            return 0;
        }
        catch (TimeoutException)
        {
            var hung = _questions.Where(q => q.Heard?.Done is null).ToArray();
            reports.AddRange(
                hung.Select(q => $"hung: {q.Text} in {q.Client.Conversation} at {q.Heard?.Attempt}/{q.Heard?.Seq}, {q.Client.Returns} returns")
            );
            return hung.Length;
        }
    }

    /// <summary>What is wrong with an answer; null: nothing.</summary>
    private string? LossOf(Question question, IReadOnlyList<StoredMessage> rows)
    {
        if (question.Heard is not { Done: { } done } heard)
        {
            return null; // It hung, and was counted.
        }

        var source = Answers.Of(question.Text);
        if (heard.Missing.FirstOrDefault() is { } missing)
        {
            return missing;
        }

        if (done.Reason != "completed" && !(MayBeCancelled && done.Reason == "cancelled"))
        {
            return $"ended {done.Reason}";
        }

        if (done.Reason == "completed" ? done.Text != source : !source.StartsWith(done.Text!, StringComparison.Ordinal))
        {
            return $"another text: {done.Text}";
        }

        if (
            !OnlyTheEndCounts
            && (
                heard.Attempt == done.Attempt && !LogMayBeLost
                    ? heard.Streamed != done.Text
                    : !source.StartsWith(heard.Streamed, StringComparison.Ordinal)
            )
        )
        {
            return $"what was streamed differs: {heard.Streamed}";
        }

        return rows.Any(row => row.Role == "assistant" && row.Content == done.Text && row.Status == done.Reason)
            ? null
            : "the row differs from what was told";
    }

    private TimeSpan Recovery()
    {
        if (_struck is not { } struck)
        {
            return TimeSpan.Zero;
        }

        var longest = TimeSpan.Zero;
        foreach (var question in _questions)
        {
            var start = Math.Max(struck, question.Asked);
            var last = start;
            foreach (var news in question.Heard?.News.Where(at => at > start) ?? [])
            {
                var silence = Stopwatch.GetElapsedTime(last, news);
                longest = silence > longest ? silence : longest;
                last = news;
            }
        }

        return longest;
    }

    private async Task<IReadOnlyList<string>> LeftBehindAsync()
    {
        IReadOnlyList<string> left = [];
        try
        {
            await Until.TrueAsync(
                async () =>
                {
                    try
                    {
                        return (left = await rig.LeftBehindAsync()).Count == 0;
                    }
                    catch (Exception e) when (e is RedisException or NpgsqlException)
                    {
                        left = [$"a store is not back yet: {e.Message}"];
                        return false;
                    }
                },
                TimeSpan.FromSeconds(30)
            );
        }
        catch (TimeoutException)
        {
            // What is left is the answer.
        }

        return left;
    }

    private static int Report(List<string> reports, string? report) => Report(reports, report is null ? 0 : 1, report ?? "");

    private static int Report(List<string> reports, int count, string report)
    {
        if (count > 0)
        {
            reports.Add(report);
        }

        return count;
    }

    private sealed record Question(ResumingClient Client, string Text, string MessageId, long Asked)
    {
        public HeardTurn? Heard => Client.Of(MessageId);
    }
}

/// <summary>What one run of a fault came to. All counts are of turns, and zero when the promise was kept.</summary>
/// <param name="Lost">A text that differs from the source, a chunk that never came, a row that is missing or says otherwise.</param>
/// <param name="Duplicated">A chunk or an end that came twice after the client's rule, a second row.</param>
/// <param name="Hung">No end within <see cref="FaultRun.Limit"/>.</param>
/// <param name="LeftBehind">Entries, subscriptions and pending rows that stayed in the stores.</param>
/// <param name="Recovery">The longest time in which a client got nothing new, counted from the fault, or from the question where that came later.</param>
/// <param name="Reports">What was wrong, in words.</param>
internal sealed record FaultResult(int Lost, int Duplicated, int Hung, int LeftBehind, TimeSpan Recovery, IReadOnlyList<string> Reports)
{
    public bool IsClean => Lost + Duplicated + Hung + LeftBehind == 0;
}
