using Konstruct.Tests.Harness;
using Xunit.MicrosoftTestingPlatform;

namespace Konstruct.Tests;

/// <summary>
/// The program of the tests. Without a filter it runs the first tier: all tests but those of classes with <c>[Trait("Tier", "Long")]</c>, and but measurements,
/// which are explicit and would be reported as skipped. Any filter replaces that rule, so that a long class can be named like any other.
/// </summary>
internal static class TestRun
{
    private static readonly string[] FirstTier = ["--filter-not-trait", "Tier=Long", "--filter-not-trait", "Tier=Measurement"];

    public static Task<int> Main(string[] arguments)
    {
        // dotnet test shows this only when the run fails; the test in MissingPrograms is what it always shows.
        Console.WriteLine(Requirement.Summary);
        return TestPlatformTestFramework.RunAsync(
            [.. arguments, .. IsFiltered(arguments) ? [] : FirstTier],
            SelfRegisteredExtensions.AddSelfRegisteredExtensions
        );
    }

    private static bool IsFiltered(string[] arguments) => arguments.Any(argument => argument.StartsWith("--filter-", StringComparison.Ordinal));
}
