using System.Diagnostics;
using System.Text;
using Konstruct.Tests.Harness;

namespace Konstruct.Tests.Faults;

/// <summary>A frame that no client should ever get: the run fails with it.</summary>
internal sealed class UnexpectedFrameException(string frame) : Exception($"Unexpected frame: {frame}");

/// <summary>What a client has of one turn.</summary>
internal sealed class HeardTurn(Guid turnId)
{
    private readonly StringBuilder _text = new();

    public Guid TurnId => turnId;

    public int Attempt { get; private set; }

    public int Seq { get; private set; }

    public int Resets { get; private set; }

    /// <summary>The end, as it was told first.</summary>
    public FrameV2? Done { get; private set; }

    /// <summary>How often the end may come: once, and once more for each time that the client asked again, by <c>resume</c> or by sending its message again.</summary>
    public int AllowedEnds { get; set; } = 1;

    /// <summary>When something new came, as <see cref="Stopwatch"/> ticks.</summary>
    public List<long> News { get; } = [];

    /// <summary>Frames of both directions in their order, without texts; a run of chunks is one entry. For a person who looks at a turn.</summary>
    public FrameStory Story { get; } = new();

    /// <summary>What came that should not have, after the client's rule.</summary>
    public List<string> Duplicated { get; } = [];

    /// <summary>What should have come.</summary>
    public List<string> Missing { get; } = [];

    /// <summary>The chunks so far.</summary>
    public string Streamed => _text.ToString();

    /// <summary>The client asks, with this frame, for what it may have already: the end may come once more.</summary>
    public void AskAgain(string frame)
    {
        AllowedEnds++;
        Story.Add($"→ {frame}");
    }

    public void Hear(FrameV2 frame)
    {
        Story.Add(frame);
        switch (frame.Type)
        {
            case "reset":
                Begin(frame.Attempt!.Value);
                Resets++;
                break;
            case "chunk":
                HearChunk(frame);
                break;
            case "done":
                HearDone(frame);
                break;
        }
    }

    private void HearDone(FrameV2 done)
    {
        if (--AllowedEnds < 0 || (Done is not null && done.Bytes != Done.Bytes))
        {
            Duplicated.Add($"another end: {done.Bytes}");
        }

        if (Done is null)
        {
            News.Add(Stopwatch.GetTimestamp());
        }

        Done ??= done;
    }

    private void HearChunk(FrameV2 chunk)
    {
        if (Attempt == 0)
        {
            Attempt = chunk.Attempt!.Value; // Who has nothing needs no reset.
        }

        if (chunk.Attempt != Attempt)
        {
            if (chunk.Attempt > Attempt)
            {
                Missing.Add($"no reset before attempt {chunk.Attempt}");
            }

            return;
        }

        if (chunk.Seq <= Seq)
        {
            return;
        }

        if (chunk.Seq != Seq + 1)
        {
            Missing.Add($"seq {Seq + 1} to {chunk.Seq - 1} of attempt {Attempt}");
        }

        if (Done is not null)
        {
            Duplicated.Add($"seq {chunk.Seq} after the end");
        }

        Seq = chunk.Seq!.Value;
        _text.Append(chunk.Text);
        News.Add(Stopwatch.GetTimestamp());
    }

    private void Begin(int attempt)
    {
        Attempt = attempt;
        Seq = 0;
        _text.Clear();
        News.Add(Stopwatch.GetTimestamp());
    }
}
