using Microsoft.Playwright;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Konstruct.Tests.Page;

/// <summary>On a phone and in the dark it is the same page; assistive technology finds names for everything.</summary>
public sealed class LookTests(PagePipeline fixture) : PageTests(fixture)
{
    [Fact]
    public async Task On_a_phones_width_nothing_is_cut_off()
    {
        var tab = await OpenAsync(
            look: new()
            {
                ViewportSize = new() { Width = 360, Height = 740 },
                HasTouch = true,
                IsMobile = true,
            }
        );
        await tab.SayAsync("/markdown rate=0 delay=0");
        await tab.ExpectStatusAsync("completed");
        Assert.Equal(360, await tab.Page.EvaluateAsync<int>("document.documentElement.scrollWidth"));
        Assert.Equal(0, await tab.Page.Locator("#scroll").EvaluateAsync<int>("scroll => scroll.scrollWidth - scroll.clientWidth"));
        await Expect(tab.Composer).ToBeInViewportAsync();
        await Expect(tab.Page.Locator("#side")).Not.ToBeVisibleAsync();
        await tab.Button("Conversations").ClickAsync();
        await tab.Page.Locator("#conversations a").ClickAsync();
        await Expect(tab.Page.Locator("#side")).Not.ToBeVisibleAsync();
        await tab.OpenDrawerAsync();
        await tab.Button("Close the drawer").ClickAsync();
        await Expect(tab.Page.Locator("#drawer")).ToBeHiddenAsync();
    }

    [Theory]
    [InlineData(ColorScheme.Light)]
    [InlineData(ColorScheme.Dark)]
    public async Task Axe_finds_nothing(ColorScheme scheme)
    {
        var tab = await OpenAsync(
            look: new()
            {
                ColorScheme = scheme,
                BypassCSP = true,
                ViewportSize = new() { Width = 1400, Height = 900 },
            }
        );
        await tab.SayAsync("/markdown rate=0 delay=0");
        await tab.ExpectStatusAsync("completed");
        await tab.SayAsync("/fail 3 rate=0 delay=0");
        await tab.ExpectStatusAsync("failed");
        await tab.OpenDrawerAsync();
        await Expect(tab.Page.Locator(".frames li").First).ToBeVisibleAsync();
        var findings = await Axe.FindingsAsync(tab.Page);
        Assert.True(findings.Count == 0, string.Join('\n', findings));
    }
}
