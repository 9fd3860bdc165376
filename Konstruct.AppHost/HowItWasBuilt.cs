using System.Reflection;

namespace Konstruct.AppHost;

/// <summary>Says whether this AppHost was built with Aspire: <c>dotnet run</c> shows nothing of what the build said.</summary>
internal static class HowItWasBuilt
{
    /// <summary>The sentence of eng/Aspire.targets: which case it is, and how to have the other.</summary>
    public static string Sentence { get; } = typeof(HowItWasBuilt).Assembly
        .GetCustomAttributes<AssemblyMetadataAttribute>()
        .Single(metadata => metadata.Key == "AspireCase").Value!;
}
