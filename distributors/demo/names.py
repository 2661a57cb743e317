"""Names for the demo company, in each market's language. Pure."""

from __future__ import annotations

from random import Random

_GIVEN = {
    "en": (
        "Abby Aisha Alma Amber Angela Ava Beth Bree Brianna Carla Casey Celia Chloe Claire Dawn Denise Desiree Elena "
        "Ella Emma Erin Fay Faith Gina Gloria Hailey Harper Hazel Holly Ivy Jade Janelle Jill Joan Kara Kayla Kelly "
        "Kira Lana Leah Lena Lila Lucy Mae Mara Mei Mia Molly Nadia Naomi Nell Nina Olive Paige Pearl Quinn Rae "
        "Renee Riley Rita Ruth Sage Sasha Skye Tara Thea Uma Vera Wendy Yara Zoe"
    ),
    "de": (
        "Alina Anja Anke Annika Antje Astrid Birgit Britta Carina Claudia Dagmar Doris Elke Emilia Eva Finja Franka "
        "Frieda Gesa Greta Hanna Heike Helga Ida Ines Inga Jana Johanna Judith Karin Katja Kerstin Klara Lara Lea "
        "Leonie Lisa Lotte Luise Maike Marlene Martina Merle Mila Nele Nicole Petra Pia Ronja Sabine Silke Sina "
        "Sonja Stefanie Svenja Tanja Tina Ulrike Ursula Wiebke"
    ),
    "es": (
        "Adriana Alejandra Alicia Araceli Beatriz Berenice Blanca Carolina Cecilia Citlali Claudia Dalia Daniela "
        "Diana Elisa Elvira Estela Fabiola Fernanda Gabriela Gloria Graciela Guadalupe Ileana Irma Itzel Jimena "
        "Josefina Karla Laura Leticia Lorena Lourdes Lucero Luz Magdalena Maribel Marisol Mercedes Mireya Mónica "
        "Natalia Norma Olga Paola Paulina Perla Pilar Raquel Regina Rocío Sandra Silvia Sofía Teresa Valeria "
        "Verónica Ximena Yolanda"
    ),
}

_FAMILY = {
    "en": (
        "Adams Allen Bailey Baker Barnes Bell Bennett Brooks Bryant Butler Campbell Carter Chen Clark Cole Collins "
        "Cook Cooper Cox Cruz Davis Diaz Edwards Ellis Evans Fisher Ford Foster Garcia Gibson Graham Grant Gray "
        "Green Griffin Hall Hamilton Harris Hayes Hughes Hunt James Jenkins Jordan Kelly Kim King Lee Lewis Long "
        "Marshall Mason Miller Mills Moore Morgan Murphy Nelson Nguyen Owens Park Patel Perry Porter Price Reed "
        "Rivera Ross Russell Scott Shaw Stone Sullivan Torres Tran Turner Walker Ward Watson Webb White Wood Young"
    ),
    "de": (
        "Albrecht Arnold Bauer Beck Berger Böhm Brandt Braun Busch Dietrich Engel Fischer Frank Friedrich Fuchs "
        "Graf Groß Haas Hahn Hartmann Heinrich Herrmann Hofmann Horn Huber Jäger Kaiser Keller Koch Köhler König "
        "Kraus Krüger Kuhn Lang Lehmann Lorenz Ludwig Maier Martin Mayer Möller Neumann Otto Peters Pfeiffer Pohl "
        "Richter Roth Sauer Schäfer Scholz Schubert Schulz Seidel Simon Sommer Stein Vogel Vogt Wagner Weber Weiß "
        "Winkler Winter Wolf Ziegler"
    ),
    "es": (
        "Aguilar Alvarado Aguirre Ávila Ayala Barrera Cabrera Campos Cárdenas Carrillo Castañeda Castillo Cervantes "
        "Chávez Contreras Cortés Delgado Domínguez Escobar Espinoza Estrada Figueroa Flores Fuentes Gallegos Garza "
        "Guerrero Gutiérrez Guzmán Herrera Ibarra Jiménez Juárez Lara León Luna Maldonado Medina Mejía Méndez "
        "Molina Montes Morales Moreno Navarro Núñez Ochoa Orozco Ortega Padilla Palacios Peña Ponce Quintero "
        "Ramos Reyna Rojas Rosales Salazar Sandoval Serrano Solís Soto Valdez Vargas Velasco Zamora Zúñiga"
    ),
}


GIVEN = {language: names.split() for language, names in _GIVEN.items()}
FAMILY = {language: names.split() for language, names in _FAMILY.items()}


def name(rng: Random, language: str) -> str:
    """A given and a family name as people in that language carry them."""
    return f"{rng.choice(GIVEN[language])} {rng.choice(FAMILY[language])}"
