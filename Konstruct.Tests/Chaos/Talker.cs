using System.Diagnostics;
using Konstruct.Tests.Faults;
using Konstruct.Tests.Harness;

namespace Konstruct.Tests.Chaos;

/// <summary>
/// A person with a client of version 2 who asks one thing after the other. Now and then the person cancels, opens a second tab, loses the connection,
/// or sends a message again.
/// </summary>
internal sealed class Talker(ChaosRig rig, string name, Person person, Guid conversation, int seed) : IAsyncDisposable
{
    /// <summary>Then the next question is asked all the same.</summary>
    private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(15);

    private static readonly Whim[] Whims = Enum.GetValues<Whim>();

    private readonly Random _random = new(seed);
    private readonly Questions _questions = new(name, seed);
    private readonly List<AskedMessage> _asked = [];
    private readonly Dictionary<string, long> _askedAt = [];
    private readonly List<(string Name, ResumingClient Client)> _tabs = [];
    private readonly HashSet<ResumingClient> _closed = [];
    private readonly List<Violation> _violations = [];
    private readonly Lock _gate = new();

    /// <summary>Everything that this person sent.</summary>
    public IReadOnlyList<AskedMessage> Asked
    {
        get
        {
            lock (_gate)
            {
                return [.. _asked];
            }
        }
    }

    /// <summary>How often a tab had to come back.</summary>
    public int Returns => _tabs.Sum(tab => tab.Client.Returns);

    private ResumingClient Main => _tabs[0].Client;

    /// <summary>Asks until it is to stop.</summary>
    public async Task TalkAsync(CancellationToken stop)
    {
        Open();
        for (var number = 1; !stop.IsCancellationRequested; number++)
        {
            var id = $"m{number}";
            await AskAsync(id);
            await EndOfAsync(id, stop);
        }
    }

    /// <summary>Whether the person's own tab has the end of every message.</summary>
    public bool HasAllEnds => _tabs.Count == 0 || Asked.All(message => Main.Of(message.MessageId!)?.Done is not null);

    /// <summary>What no client should have got. Complete when all tabs are closed.</summary>
    public IReadOnlyList<Violation> Violations => _violations;

    /// <summary>All tabs are closed.</summary>
    public async Task LeaveAsync()
    {
        foreach (var (tab, client) in _tabs)
        {
            await CloseAsync(tab, client);
        }
    }

    /// <summary>
    /// What each tab was told. <paramref name="couldRead"/> says whether gateways could read logs all the time between two moments.
    /// </summary>
    public IEnumerable<ToldTurn> Told(Func<long, long, bool> couldRead)
    {
        foreach (var (tab, client) in _tabs)
        {
            var messages = Asked.ToLookup(message => client.Of(message.MessageId!)?.TurnId);
            foreach (var heard in client.Turns)
            {
                var message = messages[heard.TurnId].FirstOrDefault();
                var isMine = client == Main && message is not null;
                yield return new(
                    tab,
                    conversation,
                    message?.Text,
                    heard.TurnId,
                    IsAccepted: true,
                    heard.Streamed,
                    heard.Done is { } done ? new(done.Reason, done.Attempt, done.Text) : null
                )
                {
                    Gaps = heard.Missing,
                    Repetitions = heard.Duplicated,
                    Story = $"{heard.Story}",
                    MustEnd = isMine,
                    MustBeWhole = isMine && heard.Done is not null && couldRead(_askedAt[message!.MessageId!], heard.News[^1]),
                };
            }
        }

        foreach (var message in Asked.Where(message => Main.Of(message.MessageId!) is null))
        {
            yield return new(_tabs[0].Name, conversation, message.Text, null, IsAccepted: false, "", null) { MustEnd = true };
        }
    }

    public ValueTask DisposeAsync() => new(LeaveAsync());

    private async Task AskAsync(string id)
    {
        var whim = _random.Next(2) == 0 ? Whim.None : Whims[_random.Next(Whims.Length)];
        var text = _questions.Next();
        lock (_gate)
        {
            _asked.Add(new(person.Tenant, conversation, text, id, whim));
            _askedAt[id] = Stopwatch.GetTimestamp();
        }

        await Main.SayAsync(text, id, isShared: whim == Whim.SendFromTwoTabs);
        switch (whim)
        {
            case Whim.CancelAtOnce:
                await Main.CancelAsync(id);
                break;
            case Whim.Cancel:
                await SomeChunksAsync(id);
                await Main.CancelAsync(id);
                break;
            case Whim.Drop:
                await SomeChunksAsync(id);
                Main.Drop();
                break;
            case Whim.Repeat:
                await SomeChunksAsync(id);
                await Main.RepeatAsync(id);
                break;
            case Whim.SendFromTwoTabs:
                await Open().SayAsync(text, id, isShared: true);
                break;
            case Whim.OpenTab:
                await SomeChunksAsync(id);
                Open();
                break;
        }
    }

    private Task SomeChunksAsync(string id)
    {
        var chunks = _random.Next(1, 10);
        return WaitAsync(() => Main.Of(id) is { } heard && (heard.Seq >= chunks || heard.Done is not null), CancellationToken.None);
    }

    private async Task EndOfAsync(string id, CancellationToken stop)
    {
        await WaitAsync(() => Main.Of(id)?.Done is not null || stop.IsCancellationRequested, stop);
        foreach (var (tab, client) in _tabs.Skip(1))
        {
            await CloseAsync(tab, client);
        }
    }

    /// <summary>It can be closed once more.</summary>
    private async Task CloseAsync(string tab, ResumingClient client)
    {
        if (!_closed.Add(client))
        {
            return;
        }

        try
        {
            await client.DisposeAsync();
        }
        catch (UnexpectedFrameException e)
        {
            _violations.Add(new(Rule.Frame, $"{tab} in {conversation}: {e.Message}"));
        }

        var codes = client.CloseCodes.Where(code => code is not (null or 1000 or 1012));
        _violations.AddRange(codes.Select(code => new Violation(Rule.Frame, $"{tab} in {conversation} was closed with {code}")));
    }

    private static async Task WaitAsync(Func<bool> condition, CancellationToken stop)
    {
        try
        {
            await Until.TrueAsync(() => Task.FromResult(condition() || stop.IsCancellationRequested), AnswerLimit);
        }
        catch (TimeoutException)
        {
            // A person does not wait for ever. The check does.
        }
    }

    private ResumingClient Open()
    {
        var client = new ResumingClient(visit => rig.Doors[visit % rig.Doors.Count], person, conversation, _random.Next(2));
        lock (_gate)
        {
            _tabs.Add(($"{name}, tab {_tabs.Count + 1}", client));
        }

        client.Start();
        return client;
    }
}
