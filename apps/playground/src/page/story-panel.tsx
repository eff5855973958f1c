import type { Settings } from '../settings.js';
import { type Scene, sceneOf, stories } from '../stories.js';

export interface StoryPanelProps {
  readonly settings: Settings;
  readonly onChoose: (settings: Settings) => void;
}

/** The stories to choose from, and what to watch in the scene that is set. */
export function StoryPanel({ settings, onChoose }: StoryPanelProps) {
  const told = sceneOf(settings);
  const scenes = stories.flatMap((story) => story.scenes.map((scene) => ({ story, scene })));
  const next = told && scenes[scenes.findIndex(({ scene }) => scene === told.scene) + 1];
  return (
    <section class="card stories" aria-label="stories">
      <nav aria-label="scenes">
        {stories.map((story) => (
          <div key={story.name} class="story">
            <span class="quiet">{story.title}</span>
            {story.scenes.map((scene) => (
              <button key={scene.title} type="button" aria-pressed={scene === told?.scene} onClick={() => onChoose(scene.settings)}>
                {scene.title}
              </button>
            ))}
          </div>
        ))}
        {next && (
          <button type="button" class="next" onClick={() => onChoose(next.scene.settings)}>
            Next: {next.scene.title}
          </button>
        )}
      </nav>
      {told ? <Watch scene={told.scene} /> : <p class="quiet">Settings of your own. A story sets both runs and says what to watch.</p>}
    </section>
  );
}

const Watch = ({ scene }: { readonly scene: Scene }) => (
  <ol aria-label="what to watch">
    {scene.watch.map((sentence) => (
      <li key={sentence}>{sentence}</li>
    ))}
  </ol>
);
