namespace Konstruct.AppHost.Hosting;

/// <summary>Reports a problem that the user must fix before the application can run: one sentence, and exit code 1.</summary>
internal static class Problem
{
    /// <returns>The exit code.</returns>
    public static int Tell(string sentence)
    {
        Console.Error.WriteLine(sentence);
        return 1;
    }
}
