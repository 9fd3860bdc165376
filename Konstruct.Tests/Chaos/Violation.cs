namespace Konstruct.Tests.Chaos;

/// <summary>What the check looks for.</summary>
internal enum Rule
{
    /// <summary>An accepted message has no row, or a row with another text.</summary>
    Lost,

    /// <summary>A turn has no end, or no client that waits for it was told.</summary>
    NotEnded,

    /// <summary>A message became two turns, or a turn has two ends.</summary>
    EndedTwice,

    /// <summary>A client was told something else than what is stored.</summary>
    ToldOtherwise,

    /// <summary>A chunk is missing.</summary>
    Gap,

    /// <summary>A chunk or an end came again without having been asked for.</summary>
    Repetition,

    /// <summary>Text that does not belong to the answer.</summary>
    OtherText,

    /// <summary>A turn failed although a worker could have answered it.</summary>
    FailedWithoutCause,

    /// <summary>A row that no client asked for, or of another tenant.</summary>
    Stray,

    /// <summary>A frame or a close code that no client should get.</summary>
    Frame,

    /// <summary>Something is left in a store, or a process holds more than before.</summary>
    LeftBehind,

    /// <summary>A process ended by itself, did not stop in order, or met an error that was not foreseen.</summary>
    Process,

    /// <summary>The test itself could not do what it was to do.</summary>
    Harness,
}

/// <summary>A promise that was broken.</summary>
internal sealed record Violation(Rule Rule, string Text)
{
    public override string ToString() => $"{Rule}: {Text}";
}
