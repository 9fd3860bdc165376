using System.Text;
using Konstruct.Contracts.Redis;
using Konstruct.Gateway.Turns.Celery;
using Xunit;

namespace Konstruct.Tests.Celery;

/// <summary>What a gateway that stands by writes when it goes on in another one's place: all that is not in the log, and nothing twice.</summary>
public sealed class ListenedTurnTests
{
    private static readonly Guid Turn = Guid.NewGuid();

    private readonly ListenedTurn _turn = new(new(Guid.NewGuid(), Guid.NewGuid()), Turn, feed: null!, next: 0, maxBytes: 1000, beganAt: 0);

    private string Waiting => string.Concat(_turn.Waiting(100).Select(text => Encoding.UTF8.GetString(text.Span)));

    /// <summary>The reply that gives the lease can overtake the last chunk that the gateway before has written: it then came twice.</summary>
    [Fact]
    public void A_chunk_that_the_log_has_before_the_channel_is_not_written_again()
    {
        _turn.OnBeside(lastSeq: 0);
        Hear("a", "b", "c");
        _turn.OnWritten(Written("a", 1));
        Assert.Equal(1, _turn.ComparedTo(lastSeq: 2));
        _turn.OnTaken([Written("b", 2)], lastSeq: 2);
        _turn.OnWritten(Written("b", 2));
        Assert.Equal(("c", 3), (Waiting, _turn.Next));
    }

    /// <summary>An entry that came on the channel before it was read from the log counts once, also where the same word follows.</summary>
    [Fact]
    public void A_chunk_that_came_by_both_ways_counts_once()
    {
        _turn.OnBeside(lastSeq: 0);
        Hear("a", "a", "b");
        _turn.OnWritten(Written("a", 1));
        _turn.OnTaken([Written("a", 1)], lastSeq: 1);
        Assert.Equal(("ab", 2), (Waiting, _turn.Next));
    }

    /// <summary>On a busy machine the channel can be behind the log by more than a lease.</summary>
    [Fact]
    public void A_chunk_that_the_log_has_before_it_is_heard_at_all_is_not_written_again()
    {
        _turn.OnBeside(lastSeq: 0);
        Hear("a");
        _turn.OnWritten(Written("a", 1));
        _turn.OnTaken([Written("b", 2), Written("c", 3)], lastSeq: 3);
        Hear("b");
        _turn.OnWritten(Written("b", 2));
        Hear("c");
        _turn.OnWritten(Written("c", 3));
        Hear("d");
        Assert.Equal(("d", 4), (Waiting, _turn.Next));
    }

    /// <summary>Garnet does not keep the order between what a script and what a client publishes.</summary>
    [Fact]
    public void A_chunk_that_is_written_before_it_is_heard_is_not_kept()
    {
        _turn.OnBeside(lastSeq: 0);
        _turn.OnWritten(Written("a", 1));
        Hear("a", "b");
        _turn.OnWritten(Written("b", 2));
        Assert.Equal("", Waiting);
    }

    /// <summary>That chunk stayed in front of all that was heard later. The gateway that took over wrote all of it again.</summary>
    [Fact]
    public void A_chunk_that_is_written_before_it_is_heard_and_before_the_log_was_seen_is_not_kept()
    {
        _turn.OnWritten(Written("a", 1));
        Hear("a");
        _turn.OnBeside(lastSeq: 1);
        Hear("b");
        _turn.OnWritten(Written("b", 2));
        Hear("c");
        Assert.Equal("c", Waiting);
    }

    /// <summary>A gateway that was starved of CPU past its lease, and got it back when the one in its place died, wrote that one's chunks once more.</summary>
    [Fact]
    public void What_another_gateway_wrote_after_the_lease_was_lost_is_not_written_again()
    {
        (_turn.HasLease, _turn.Next) = (true, 1);
        Hear("a", "b", "c", "d");
        _turn.OnLogged(1, lastSeq: 1);
        _turn.OnWritten(Written("a", 1));
        _turn.OnWritten(Written("b", 2)); // By the other gateway; this one does not know that it has lost the lease.
        _turn.OnBeside(lastSeq: 2);
        Assert.Equal("cd", Waiting);
        _turn.OnWritten(Written("c", 3));
        Assert.Equal(3, _turn.ComparedTo(lastSeq: 3));
        _turn.OnTaken([], lastSeq: 3);
        Assert.Equal(("d", 4), (Waiting, _turn.Next));
    }

    /// <summary>The channel can bring a gateway's own chunk before the reply that it was written.</summary>
    [Fact]
    public void A_gateways_own_chunk_counts_once()
    {
        (_turn.HasLease, _turn.Next) = (true, 1);
        Hear("a", "b");
        _turn.OnWritten(Written("a", 1));
        _turn.OnLogged(1, lastSeq: 1);
        Assert.Equal("b", Waiting);
        _turn.OnBeside(lastSeq: 1);
        Assert.Equal("b", Waiting);
    }

    /// <summary>What was written before this gateway listened was never kept here, though its words may come again.</summary>
    [Fact]
    public void What_was_written_before_is_not_compared()
    {
        _turn.OnBeside(lastSeq: 5);
        Hear("a");
        Assert.Equal(5, _turn.ComparedTo(lastSeq: 5));
        _turn.OnTaken([], lastSeq: 5);
        Assert.Equal(("a", 6), (Waiting, _turn.Next));
    }

    /// <summary>Who takes the lease at once was never beside another gateway.</summary>
    [Fact]
    public void The_first_gateway_that_is_found_compares_nothing()
    {
        Hear("a");
        Assert.Equal(3, _turn.ComparedTo(lastSeq: 3));
    }

    private void Hear(params string[] texts)
    {
        foreach (var text in texts)
        {
            _turn.Hear(StreamEvent.Parse(Encoding.UTF8.GetBytes($$"""{"type":"chunk","text":"{{text}}"}""")));
        }
    }

    private static StreamEvent Written(string text, int seq) => StreamEvent.Parse(StreamEvent.Chunk(text, Turn, attempt: 1, seq));
}
