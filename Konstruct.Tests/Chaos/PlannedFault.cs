using System.Globalization;

namespace Konstruct.Tests.Chaos;

/// <summary>A fault of a schedule.</summary>
/// <param name="Start">From the beginning of the run.</param>
/// <param name="Duration">Until it is healed. Zero: it has no duration, as FLUSHALL.</param>
/// <param name="Name">One of <see cref="ChaosFault.All"/>.</param>
/// <param name="Target">What it strikes; one fault at a time.</param>
internal sealed record PlannedFault(TimeSpan Start, TimeSpan Duration, string Name, string Target)
{
    public TimeSpan End => Start + Duration;

    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{Start.TotalSeconds, 7:F1} s  {Duration.TotalSeconds, 4:F1} s  {Target}: {Name}");
}
