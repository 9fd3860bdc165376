namespace Konstruct.Contracts.Wire;

/// <summary>The three terminal states of a turn, with their words on the wire, in the log and in Postgres.</summary>
public static class TurnOutcome
{
    /// <summary>Accepted and not ended: only in Postgres, never on the wire.</summary>
    public const string Pending = "pending";

    /// <summary>The worker finished its answer, which may be empty.</summary>
    public const string Completed = "completed";

    /// <summary>A client cancelled it; the partial text is kept.</summary>
    public const string Cancelled = "cancelled";

    /// <summary>The worker failed, no answer came in time, or every attempt was lost; the partial text is kept.</summary>
    public const string Failed = "failed";

    /// <summary>Whether a word is one of the three terminal states.</summary>
    public static bool IsEnd(string word) => word is Completed or Cancelled or Failed;
}
