using CsCheck;
using Konstruct.Contracts.Redis;
using Konstruct.Contracts.Wire;
using Konstruct.Gateway.Protocol;
using Konstruct.Gateway.Storage;
using Konstruct.Gateway.Streaming;
using Konstruct.Tests.Faults;
using Konstruct.Tests.Harness;
using StackExchange.Redis;
using Xunit;

namespace Konstruct.Tests.Streaming;

/// <summary>
/// Whatever happens between a worker's append and a socket, in whatever order, the client has the same text: the scripts, the feed and the store are the
/// real ones, the order of events is generated, and an order that fails is shrunk to the shortest that does.
/// </summary>
public abstract class InterleavingTests(GatewayInside gateway)
{
    private const int Chunks = 40;

    /// <summary>What may happen next.</summary>
    private enum Event
    {
        /// <summary>The worker appends up to three chunks in one call.</summary>
        Append,

        /// <summary>It does not know what became of its last call and repeats it.</summary>
        Retry,

        /// <summary>Likewise, and sends what it has got meanwhile in the same call.</summary>
        RetryWithMore,

        /// <summary>A worker that lost the turn long ago goes on writing.</summary>
        WriteAsZombie,

        /// <summary>Another worker gets the turn.</summary>
        NextAttempt,

        /// <summary>The gateway's subscription is cut: what is published now is lost to it.</summary>
        Cut,

        /// <summary>It is back, and the turns are read again.</summary>
        Restore,

        /// <summary>The client leaves, comes back and resumes after what it has.</summary>
        Resume,

        /// <summary>Another subscriber resumes from the beginning.</summary>
        SecondTab,
    }

    [Fact]
    public Task Any_interleaving_of_append_publish_retry_resume_and_cut_yields_the_same_text()
    {
        gateway.EnsureStarted(); // CsCheck would report it as a failing order.
        return Gen.Int[0, Enum.GetValues<Event>().Length - 1]
            .Select(i => (Event)i)
            .List[1, 40]
            .SampleAsync(PlayAsync, iter: 150, threads: 2, print: events => string.Join(", ", events));
    }

    private async Task PlayAsync(List<Event> events)
    {
        var play = await Play.BeginAsync(gateway);
        foreach (var next in events)
        {
            await play.HappenAsync(next);
        }

        await play.EndAsync();
    }

    private sealed class Play
    {
        private readonly GatewayInside _gateway;
        private readonly ConversationKey _key;
        private readonly Guid _turnId;
        private readonly ConversationFeed _feed;
        private readonly ChannelMessageQueue _channel;
        private readonly List<Client> _clients = [];
        private bool _isCut;
        private int _attempt;
        private int _written;
        private (int First, byte[][] Payloads) _last;

        private Play(GatewayInside gateway, ConversationKey key, Guid turnId, ChannelMessageQueue channel)
        {
            (_gateway, _key, _turnId, _channel) = (gateway, key, turnId, channel);
            _feed = gateway.Feed(key);
        }

        private static string Source { get; } = string.Concat(Enumerable.Range(1, Chunks).Select(Token));

        public static async Task<Play> BeginAsync(GatewayInside gateway)
        {
            var (key, turnId) = await gateway.AcceptAsync();
            var play = new Play(gateway, key, turnId, await gateway.Subscriber.SubscribeAsync(ChannelOf(key)));
            play._clients.Add(new(play));
            play.Join(play._clients[0], []);
            await play.HappenAsync(Event.NextAttempt);
            return play;
        }

        public async Task HappenAsync(Event what)
        {
            switch (what)
            {
                case Event.Append:
                    await AppendAsync(3);
                    break;
                case Event.Retry when _last.Payloads is { Length: > 0 }:
                    await WriteAsync(_attempt, _last.First, _last.Payloads);
                    break;
                case Event.RetryWithMore when _last.Payloads is { Length: > 0 } && _written < Chunks:
                    _written++;
                    _last = (_last.First, [.. _last.Payloads, Payload(_attempt, _written)]);
                    await WriteAsync(_attempt, _last.First, _last.Payloads);
                    break;
                case Event.WriteAsZombie when _attempt > 1:
                    Assert.Equal(
                        LogWrite.Fenced,
                        await _gateway.Log.AppendAsync(Key(_attempt - 1), $"{_attempt - 1}", 1, [Payload(_attempt - 1, 1)], 1_000_000)
                    );
                    break;
                case Event.NextAttempt when _attempt < 4:
                    _attempt++;
                    (_written, _last) = (0, default);
                    Assert.Equal(LogWrite.Written, await _gateway.Log.OpenAsync(Key(_attempt), $"{_attempt}"));
                    break;
                case Event.Cut:
                    await DeliverAsync();
                    _isCut = true;
                    break;
                case Event.Restore when _isCut:
                    await RestoreAsync();
                    break;
                case Event.Resume:
                    await ResumeAsync(_clients[0]);
                    break;
                case Event.SecondTab when _clients.Count < 3:
                    _clients.Add(new(this));
                    await ResumeAsync(_clients[^1]);
                    break;
            }

            await DeliverAsync();
        }

        /// <summary>The worker says the rest and finishes; every client must have the whole, each chunk once, and then the end.</summary>
        public async Task EndAsync()
        {
            while (_written < Chunks)
            {
                await HappenAsync(Event.Append);
            }

            Assert.Equal(LogWrite.Written, await _gateway.Log.FinishAsync(Key(_attempt), $"{_attempt}", Chunks + 1, TurnOutcome.Completed, Source));
            Assert.Equal(LogWrite.Written, await _gateway.Log.FinishAsync(Key(_attempt), $"{_attempt}", Chunks + 1, TurnOutcome.Completed, Source));
            await DeliverAsync();
            if (_isCut)
            {
                await RestoreAsync();
            }

            foreach (var client in _clients)
            {
                await Until.TrueAsync(() => Task.FromResult(client.Hear().Done is not null));
                var heard = client.Hear();
                Assert.Empty(heard.Missing);
                Assert.Empty(heard.Duplicated);
                Assert.Equal((Source, Source, "completed"), (heard.Streamed, heard.Done!.Text, heard.Done.Reason));
            }

            Assert.Empty(_feed.Turns());
            await _channel.UnsubscribeAsync();
        }

        private static string Token(int seq) => $"{seq}é ";

        private static RedisChannel ChannelOf(ConversationKey key) =>
            new ResponseChannel(ResponseChannel.DefaultTemplate).For(key.TenantId, key.ConversationId);

        private AttemptKey Key(int attempt) => new(_key.ConversationId, _turnId, attempt, ChannelOf(_key));

        private byte[] Payload(int attempt, int seq) => StreamEvent.Chunk(Token(seq), _turnId, attempt, seq);

        private async Task AppendAsync(int most)
        {
            var first = _written + 1;
            _written = Math.Min(_written + most, Chunks);
            if (first > _written)
            {
                return;
            }

            _last = (first, [.. Enumerable.Range(first, _written - first + 1).Select(seq => Payload(_attempt, seq))]);
            await WriteAsync(_attempt, _last.First, _last.Payloads);
        }

        private async Task WriteAsync(int attempt, int first, byte[][] payloads) =>
            Assert.Equal(LogWrite.Written, await _gateway.Log.AppendAsync(Key(attempt), $"{attempt}", first, payloads, 1_000_000));

        /// <summary>Hands the feed everything that was published by now, or loses it: a mark that comes last tells when that is all.</summary>
        private async Task DeliverAsync()
        {
            var mark = Guid.NewGuid().ToByteArray();
            await _gateway.Subscriber.PublishAsync(ChannelOf(_key), mark);
            while (true)
            {
                var message = (byte[])(await _channel.ReadAsync()).Message!;
                if (message.AsSpan().SequenceEqual(mark))
                {
                    return;
                }

                if (!_isCut)
                {
                    _feed.OnPayload(message);
                }
            }
        }

        private async Task RestoreAsync()
        {
            _isCut = false;
            await _feed.Subscribers.FollowWhatBeganAsync();
            foreach (var turn in _feed.Turns())
            {
                await _feed.CompareAsync(turn);
            }
        }

        private async Task ResumeAsync(Client client)
        {
            client.Leave();
            var row = (await _gateway.Store.FindTurnAsync(_key, _turnId, CancellationToken.None))!;
            var stored = await StoredTurn.ReadAsync(_gateway.Log, row);
            client.ComeBack();
            Join(client, [new(_turnId, stored.Attempt, stored.LastSeq)]);
            var heard = client.Hear();
            heard.AskAgain("resume");
            _feed.Subscribers.Resume(client.Subscriber, stored, heard.Attempt, heard.Seq);
        }

        private void Join(Client client, IReadOnlyCollection<ActiveTurn> active)
        {
            _feed.Subscribers.Add(client.Subscriber);
            _feed.Subscribers.Join(client.Subscriber, active, []);
        }

        /// <summary>A client that keeps what it has from one socket to the next.</summary>
        private sealed class Client(Play play)
        {
            private readonly HeardTurn _heard = new(play._turnId);
            private (Subscriber Subscriber, KeptFrames Frames) _socket = GatewayInside.NewSubscriber(play._key);
            private int _read;

            public Subscriber Subscriber => _socket.Subscriber;

            public HeardTurn Hear()
            {
                foreach (var frame in _socket.Frames.All.Skip(_read))
                {
                    _read++;
                    _heard.Hear(frame);
                }

                return _heard;
            }

            /// <summary>What was sent and not read is lost with the socket.</summary>
            public void Leave() => play._feed.Remove(_socket.Subscriber.Sink, _socket.Subscriber);

            public void ComeBack() => (_socket, _read) = (GatewayInside.NewSubscriber(play._key), 0);
        }
    }
}

public sealed class InterleavingOnGarnet(GatewayInside gateway) : InterleavingTests(gateway), IClassFixture<GatewayInside>;

[Trait("Tier", "Long")]
public sealed class InterleavingOnRedis(GatewayInsideOnRedis gateway) : InterleavingTests(gateway), IClassFixture<GatewayInsideOnRedis>;
