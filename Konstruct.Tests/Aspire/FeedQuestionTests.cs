using CliWrap.Buffered;
using Xunit;

namespace Konstruct.Tests.Aspire;

/// <summary>eng/Aspire.targets: the feed is asked once whether it has Aspire, and the one call that asked already builds accordingly.</summary>
public sealed class FeedQuestionTests : IDisposable
{
    private readonly FeedSandbox _sandbox = new();

    public void Dispose() => _sandbox.Dispose();

    [Fact]
    public async Task A_feed_that_has_Aspire_is_built_with_by_the_first_dotnet_run()
    {
        _sandbox.PublishAspire();

        var run = await _sandbox.DotnetAsync("run", "--project", "Program", "-v", "minimal");

        Assert.EndsWith("with\n", run.StandardOutput.ReplaceLineEndings("\n"), StringComparison.Ordinal);
        SaysOnce("built with Aspire", run);
    }

    [Fact]
    public async Task A_feed_that_has_no_Aspire_is_built_without_by_the_first_dotnet_run()
    {
        var run = await _sandbox.DotnetAsync("run", "--project", "Program", "-v", "minimal");

        Assert.EndsWith("without\n", run.StandardOutput.ReplaceLineEndings("\n"), StringComparison.Ordinal);
        SaysOnce("built without Aspire", run);
    }

    [Fact]
    public async Task A_solution_is_built_with_what_the_feed_has()
    {
        _sandbox.PublishAspire();

        var build = await _sandbox.DotnetAsync("build");
        var run = await _sandbox.DotnetAsync("run", "--project", "Program", "--no-build");

        SaysOnce("built with Aspire", build);
        Assert.Equal("with", run.StandardOutput.Trim());
    }

    [Fact]
    public async Task The_answer_is_remembered_until_its_file_is_deleted()
    {
        await RestoreAsync();
        _sandbox.PublishAspire();
        Assert.Equal("false", await RestoreAsync());

        File.Delete(_sandbox.AnswerFile);
        Assert.Equal("true", await RestoreAsync());
    }

    /// <summary>The list of feeds was once written one to a line, which NuGet took for a single feed of a strange name.</summary>
    [Fact]
    public async Task Another_list_of_feeds_is_another_question()
    {
        _sandbox.UseFeeds(Directory.CreateDirectory(_sandbox.Feed + "-empty").FullName);
        _sandbox.PublishAspire();
        Assert.Equal("false", await RestoreAsync());

        _sandbox.UseFeeds(_sandbox.Feed + "-empty", _sandbox.Feed);
        Assert.Equal("true", await RestoreAsync());
    }

    [Fact]
    public async Task A_feed_that_does_not_answer_is_reported_and_not_remembered()
    {
        _sandbox.UseFeeds(FeedSandbox.DeadFeed);

        var restore = await _sandbox.DotnetAsync("restore", "Program");

        Assert.NotEqual(0, restore.ExitCode);
        Assert.Contains("could not be asked whether it has Aspire", restore.StandardOutput, StringComparison.Ordinal);
        Assert.Contains("NU1301", restore.StandardOutput, StringComparison.Ordinal);
        Assert.False(File.Exists(_sandbox.AnswerFile));
    }

    /// <summary>The remembered yes named an SDK that was gone, and no target ran that could have asked again.</summary>
    [Fact]
    public async Task A_yes_does_not_outlive_the_package_it_stands_for()
    {
        _sandbox.PublishAspire();
        Assert.Equal("true", await RestoreAsync());

        _sandbox.ClearPackageCache();
        foreach (var package in Directory.GetFiles(_sandbox.Feed))
            File.Delete(package);
        Assert.Equal("false", await RestoreAsync());
    }

    [Fact]
    public async Task An_explicit_UseAspire_decides_without_asking()
    {
        _sandbox.PublishAspire();

        var without = await _sandbox.DotnetAsync("restore", "Program", "-p:UseAspire=false");
        var with = await _sandbox.DotnetAsync("restore", "Program", "-p:UseAspire=true");

        SaysOnce("UseAspire=false decides", without);
        SaysOnce("UseAspire=true decides", with);
        Assert.False(File.Exists(_sandbox.AnswerFile));
    }

    /// <summary>Restores the program and returns how it is evaluated from then on.</summary>
    private async Task<string> RestoreAsync()
    {
        var restore = await _sandbox.DotnetAsync("restore", "Program");
        Assert.True(restore.ExitCode == 0, restore.StandardOutput);
        return (await _sandbox.DotnetAsync("msbuild", "Program", "-getProperty:UseAspire")).StandardOutput.Trim();
    }

    private static void SaysOnce(string part, BufferedCommandResult result)
    {
        Assert.True(result.ExitCode == 0, result.StandardOutput);
        Assert.Single(result.StandardOutput.Split('\n'), line => line.Contains(part, StringComparison.Ordinal));
    }
}
