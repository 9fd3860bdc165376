using System.Text.Json;
using Konstruct.Tests.Clients;
using Microsoft.Playwright;

namespace Konstruct.Tests.Page;

/// <summary>axe-core, which looks for what keeps assistive technology out: names, roles, contrast, order.</summary>
internal static class Axe
{
    /// <summary>What it finds by the rules of WCAG 2.2, A and AA: one line each.</summary>
    public static async Task<IReadOnlyList<string>> FindingsAsync(IPage page)
    {
        var script = Path.Combine(await NodeTools.ClientCopyAsync(), "node_modules", "axe-core", "axe.min.js");
        await page.EvaluateAsync(await File.ReadAllTextAsync(script));
        var result = await page.EvaluateAsync<JsonElement>(
            "() => axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })"
        );
        return
        [
            .. from violation in result.GetProperty("violations").EnumerateArray()
            from node in violation.GetProperty("nodes").EnumerateArray()
            select $"{violation.GetProperty("id").GetString()}: {node.GetProperty("html").GetString()} "
                + node.GetProperty("failureSummary").GetString(),
        ];
    }
}
