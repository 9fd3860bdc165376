namespace Konstruct.Tests.Harness;

/// <summary>What a run found, for a person: a file of TestResults, which .ci/run prints.</summary>
internal static class Report
{
    public static void Write(string name, string text)
    {
        var file = Path.Combine(BuiltPrograms.RepositoryRoot, "TestResults", name);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllText(file, text);
    }
}
